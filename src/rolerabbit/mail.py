"""Security notices to users, put into the outbox that all mail leaves from, and how a letter of it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection

Notice = Literal["password changed", "token made", "new address"]
SENDER: Final = "security@rolerabbit.test"
_POLICY: Final = SMTP.clone(cte_type="7bit")
"""A letter in any language passes a relay that takes ASCII alone."""
_PLAIN: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)
"""An address that stands in a header as it is."""
_NOTICES: Final[dict[Notice, tuple[str, str]]] = {
    "password changed": ("Your password was changed", "The password of your account was changed{where}."),
    "token made": ("A new API token", "A token that opens your account to programs was made{where}."),
    "new address": ("A log-in from a new address", "Somebody logged in to your account{where}, for the first time."),
}
_CLOSE: Final = """

If that was you, do nothing. If not, choose a new password with POST /api/auth/password-reset and end the sessions that
you don't know with DELETE /api/account/sessions/ID."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the outbox."""

    id: int
    recipient: str
    subject: str
    body: str


async def notify(connection: AsyncConnection[Any], user_id: UUID, notice: Notice, ip: str | None) -> None:
    """Put a notice into the outbox, in the caller's transaction: it is there if and only if the deed is."""
    subject, body = _NOTICES[notice]
    text = body.format(where=f" from {ip}" if ip else "") + _CLOSE
    await connection.execute(
        "INSERT INTO outbox (user_id, recipient, subject, body) SELECT id, email, %s, %s FROM users WHERE id = %s",
        [subject, text, user_id],
    )


def message(letter: Letter) -> EmailMessage:
    """The letter as mail. Raises `ValueError` where an address or a subject holds a line's end."""
    mail = EmailMessage(_POLICY)
    mail["From"], mail["To"], mail["Subject"] = SENDER, letter.recipient, letter.subject
    mail["Message-ID"] = _id(letter)
    mail.set_content(letter.body)
    return mail


def written(letter: Letter) -> bytes | None:
    """The letter as it goes over the wire; None where its address takes more than that, and :func:`message` does it.
    What the letters of a campaign share is written once: writing it took half the time of sending."""
    if not _PLAIN.fullmatch(letter.recipient):
        return None
    return f"To: {letter.recipient}\r\nMessage-ID: {_id(letter)}\r\n".encode() + _shared(letter.subject, letter.body)


@lru_cache(maxsize=8)
def _shared(subject: str, body: str) -> bytes:
    mail = EmailMessage(_POLICY)
    mail["From"], mail["Subject"] = SENDER, subject
    mail.set_content(body)
    return mail.as_bytes()


def _id(letter: Letter) -> str:
    return f"<outbox-{letter.id}@rolerabbit.test>"

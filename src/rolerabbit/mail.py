"""Security notices to users, and the outbox that all mail leaves from."""

from __future__ import annotations

import asyncio
import logging
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

Notice = Literal["password changed", "token made", "new address"]
SENDER: Final = "security@rolerabbit.test"
POLL_S: Final = 1.0
BATCH: Final = 20
MOST_ATTEMPTS: Final = 5
TIMEOUT_S: Final = 10.0
_NOTICES: Final[dict[Notice, tuple[str, str]]] = {
    "password changed": ("Your password was changed", "The password of your account was changed{where}."),
    "token made": ("A new API token", "A token that opens your account to programs was made{where}."),
    "new address": ("A log-in from a new address", "Somebody logged in to your account{where}, for the first time."),
}
_CLOSE: Final = """

If that was you, do nothing. If not, choose a new password with POST /api/auth/password-reset and end the sessions that
you don't know with DELETE /api/account/sessions/ID."""
_CLAIM: Final = """
UPDATE outbox SET attempts = attempts + 1 WHERE id IN (
    SELECT id FROM outbox WHERE sent_at IS NULL AND attempts < %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, recipient, subject, body"""
_log = logging.getLogger("rolerabbit.mail")


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


async def keep_sending(pool: AsyncConnectionPool[Any], smtp_url: str) -> None:
    """Until cancelled: send what is in the outbox. A letter that fails is tried again, five times in all."""
    while True:
        sent = 0
        try:
            sent = await send_batch(pool, smtp_url)
        except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
            _log.debug("no mail was sent: %s", error)
        await asyncio.sleep(0 if sent == BATCH else POLL_S)


async def send_batch(pool: AsyncConnectionPool[Any], smtp_url: str) -> int:
    """Claim and send some; how many went out. A letter whose sending ends in a crash may go out twice, never not."""
    async with pool.connection() as connection:
        claimed = await (await connection.execute(_CLAIM, [MOST_ATTEMPTS, BATCH])).fetchall()
    failures = await asyncio.to_thread(_deliver, smtp_url, [Letter(*row) for row in claimed]) if claimed else {}
    async with pool.connection() as connection:
        for id, *_ in claimed:
            await connection.execute(
                "UPDATE outbox SET sent_at = CASE WHEN %(said)s = '' THEN now() END, failure = %(said)s"
                " WHERE id = %(id)s",
                {"said": failures.get(id, ""), "id": id},
            )
    return len(claimed) - len(failures)


def message(letter: Letter) -> EmailMessage:
    """The letter as mail. Raises `ValueError` where an address or a subject holds a line's end."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, letter.recipient, letter.subject
    mail["Message-ID"] = f"<outbox-{letter.id}@rolerabbit.test>"
    mail.set_content(letter.body)
    return mail


def _deliver(smtp_url: str, letters: list[Letter]) -> dict[int, str]:
    """Send them over one connection; what failed, by id, without what the letter says."""
    url, failures = urlsplit(smtp_url), {}
    try:
        with smtplib.SMTP(url.hostname or "", url.port or 25, timeout=TIMEOUT_S) as server:
            for letter in letters:
                try:
                    server.send_message(message(letter))
                except (ValueError, smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
                    failures[letter.id] = f"{type(error).__name__}"
                    server.rset()
    except (OSError, smtplib.SMTPException) as error:
        return {letter.id: f"{type(error).__name__}" for letter in letters}
    return failures

"""Security notices to users, and the outbox that all mail leaves from."""

from __future__ import annotations

import asyncio
import contextlib
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
_WAITING: Final = """
SELECT id, recipient, subject, body FROM outbox
WHERE sent_at IS NULL AND attempts < %s ORDER BY id LIMIT %s"""
_TRIED: Final = "UPDATE outbox SET attempts = attempts + 1 WHERE id = %s"
_ENDED: Final = """
UPDATE outbox SET sent_at = CASE WHEN %(said)s = '' THEN now() END, failure = %(said)s WHERE id = %(id)s"""
_ALONE: Final = "SELECT pg_try_advisory_lock(hashtextextended('rolerabbit outbox', 0))"
_FREE: Final = "SELECT pg_advisory_unlock(hashtextextended('rolerabbit outbox', 0))"
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


async def keep_sending(pool: AsyncConnectionPool[Any], smtp_url: str, per_second: int) -> None:
    """Until cancelled: send what is in the outbox. A letter that fails is tried again, five times in all."""
    while True:
        done = 0
        try:
            done = await send_batch(pool, smtp_url, per_second)
        except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
            _log.debug("no mail was sent: %s", error)
        await asyncio.sleep(0 if done == BATCH else POLL_S)


async def send_batch(pool: AsyncConnectionPool[Any], smtp_url: str, per_second: int) -> int:
    """Send some, if no other replica is at it; how many were tried. Each is on record before the next goes out, so a
    crash can double the one letter that was on its way, and loses none."""
    async with pool.connection() as connection:
        if not await _first(connection, _ALONE):
            return 0
        try:
            rows = await (await connection.execute(_WAITING, [MOST_ATTEMPTS, BATCH])).fetchall()
            server = Server(smtp_url)
            for row in rows:
                await connection.execute(_TRIED, [row[0]])
                said = await asyncio.to_thread(server.send, Letter(*row))
                await connection.execute(_ENDED, {"said": said, "id": row[0]})
                await asyncio.sleep(1 / per_second)
            await asyncio.to_thread(server.close)
            return len(rows)
        finally:
            await connection.execute(_FREE)


async def _first(connection: AsyncConnection[Any], query: str) -> bool:
    row = await (await connection.execute(query.encode())).fetchone()
    return row is not None and bool(row[0])


def message(letter: Letter) -> EmailMessage:
    """The letter as mail. Raises `ValueError` where an address or a subject holds a line's end."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, letter.recipient, letter.subject
    mail["Message-ID"] = f"<outbox-{letter.id}@rolerabbit.test>"
    mail.set_content(letter.body)
    return mail


class Server:
    """A mail server, connected at the first letter and anew after a failure."""

    def __init__(self, smtp_url: str) -> None:
        url = urlsplit(smtp_url)
        self._host, self._port = url.hostname or "", url.port or 25
        self._open: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> str:
        """Nothing, or why it did not go out: the kind of failure, nothing of what the letter says."""
        try:
            if self._open is None:
                self._open = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
            self._open.send_message(message(letter))
        except (ValueError, OSError, smtplib.SMTPException) as error:
            self.close()
            return type(error).__name__
        return ""

    def close(self) -> None:
        """Say good-bye, if there is anybody to say it to."""
        opened, self._open = self._open, None
        if opened is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                opened.quit()

"""Sends what is in the outbox: in a thread of its own, one letter after the other, each on record before the next.

A letter costs one statement and one exchange with the mail server. Before it goes out is written that it was tried, and
with it how the one before ended; so a crash can double the one that was on its way, and loses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from rolerabbit.config import Settings
from rolerabbit.mail import SENDER, Letter, message, written

POLL_S: Final = 1.0
BATCH: Final = 500
MOST_ATTEMPTS: Final = 5
TIMEOUT_S: Final = 10.0
RETRY_S: Final = 15.0
"""Seconds before what failed is tried a second time; twice as many before each further time."""
LONGEST_WAIT_S: Final = 240.0
FINAL: Final = 500
"""The replies of a mail server from here on are its last word (RFC 5321, 4.2.1)."""

_DUE: Final = "SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL AND attempts < %s)"
_WAITING: Final = """
SELECT id, recipient, subject, body, attempts FROM outbox
WHERE sent_at IS NULL AND attempts < %s ORDER BY attempts, id LIMIT %s"""
_RECORD: Final = """
UPDATE outbox SET
    attempts = CASE WHEN id = %(next)s THEN attempts + 1 ELSE coalesce(%(attempts)s::int, attempts) END,
    sent_at = CASE WHEN id = %(done)s AND %(said)s = '' THEN now() ELSE sent_at END,
    failure = CASE WHEN id = %(done)s THEN %(said)s ELSE failure END
WHERE id IN (%(done)s, %(next)s)"""
_ALONE: Final = "SELECT pg_try_advisory_lock(hashtextextended('rolerabbit outbox', 0))"
_log = logging.getLogger("rolerabbit.outbox")
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one letter ended. `said`: why it did not go out, the kind alone, nothing of what the letter says. `final`: it
    never will. `away`: there was nobody to take any letter, so it was not tried."""

    id: int
    said: str = ""
    final: bool = False
    away: bool = False
    before: int = 0
    """How often it had been tried."""

    @property
    def attempts(self) -> int | None:
        """What is to count as its attempts; None: as many as there were."""
        if self.away:
            return self.before
        return MOST_ATTEMPTS if self.final else None


NOTHING: Final = Ended(0)


async def keep_sending(pool: AsyncConnectionPool[Any], settings: Settings) -> None:
    """Until cancelled. One replica sends at a time."""
    sender = Sender(settings)
    try:
        while True:
            try:
                if await _due(pool, sender.tried_less_than()):
                    await asyncio.to_thread(sender.run)
            except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
                _log.debug("no mail was sent: %s", error)
            await asyncio.sleep(POLL_S)
    finally:
        sender.halt.set()


async def _due(pool: AsyncConnectionPool[Any], tried_less_than: int) -> bool:
    async with pool.connection() as connection:
        row = await (await connection.execute(_DUE, [tried_less_than])).fetchone()
    return row is not None and bool(row[0])


class Sender:
    """Takes letters from the outbox to the mail server. `halt` ends it after the letter that is under way."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.halt = threading.Event()
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._again_at = 0.0
        self._away_until = 0.0

    def tried_less_than(self) -> int:
        """Letters that were tried as often wait: none goes while nobody takes any, fresh ones in between the tries."""
        now = self._clock()
        if now < self._away_until:
            return 0
        return MOST_ATTEMPTS if now >= self._again_at else 1

    def run(self) -> None:
        """Send what is due, unless another replica is at it."""
        settings = self._settings
        with psycopg.connect(settings.database_url, **settings.connect_options, autocommit=True) as connection:
            row = connection.execute(_ALONE).fetchone()
            if row is None or not row[0]:
                return
            server = Server(settings.smtp_url)
            try:
                while (bound := self.tried_less_than()) and self._pass(connection, server, bound):
                    pass
            finally:
                server.close()

    def _pass(self, connection: Connection, server: Server, bound: int) -> bool:
        """Send some; whether there may be more."""
        rows = connection.execute(_WAITING, [bound, BATCH]).fetchall()
        failed, last, due = 0, NOTHING, self._clock()
        for id, recipient, subject, body, attempts in rows:
            if self.halt.is_set() or last.away:
                break
            _record(connection, last, id)
            last = server.send(Letter(id, recipient, subject, body), attempts)
            failed += last.said != "" and not last.final
            due = max(due + 1 / self._settings.mail_per_second, self._clock() - 1)
            self.halt.wait(max(0.0, due - self._clock()))
        if rows:
            _record(connection, last, None)
        self._wait_after(failed, last.away, retried=bound > 1)
        return bool(rows) and not failed and not self.halt.is_set()

    def _wait_after(self, failed: int, away: bool, retried: bool) -> None:
        """Longer each time that something failed again."""
        if not failed:
            self._failures = 0 if retried else self._failures
            return
        wait = min(LONGEST_WAIT_S, RETRY_S * 2**self._failures)
        if away:
            self._away_until = self._clock() + wait
        if retried or not self._failures:
            self._failures += 1
            self._again_at = self._clock() + wait


def _record(connection: Connection, last: Ended, next_id: int | None) -> None:
    connection.execute(
        _RECORD, {"done": last.id, "said": last.said, "attempts": last.attempts, "next": next_id}, prepare=True
    )


class Server:
    """A mail server, connected at the first letter and anew after a failure."""

    def __init__(self, smtp_url: str) -> None:
        url = urlsplit(smtp_url)
        self._host, self._port = url.hostname or "", url.port or 25
        self._open: smtplib.SMTP | None = None

    def send(self, letter: Letter, attempts: int = 0) -> Ended:
        """Hand it over."""
        try:
            self._open = self._open or smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        except (OSError, smtplib.SMTPException) as error:
            return Ended(letter.id, type(error).__name__, away=True, before=attempts)
        try:
            self._hand(self._open, letter)
        except (ValueError, OSError, smtplib.SMTPException) as error:
            if not isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
                self.close()
            return Ended(letter.id, type(error).__name__, final=_final(error))
        return Ended(letter.id)

    @staticmethod
    def _hand(server: smtplib.SMTP, letter: Letter) -> None:
        data = written(letter)
        if data is None:
            server.send_message(message(letter))
        else:
            server.sendmail(SENDER, [letter.recipient], data)

    def close(self) -> None:
        """Say good-bye, if there is anybody to say it to."""
        opened, self._open = self._open, None
        if opened is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                opened.quit()


def _final(error: Exception) -> bool:
    """Whether it will never go out: an address that is none, or the server's refusal of it for good."""
    if isinstance(error, ValueError):
        return True
    codes: Sequence[int] = ()
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    return bool(codes) and min(codes) >= FINAL

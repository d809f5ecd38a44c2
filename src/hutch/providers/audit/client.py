"""Connections to the service's database: one for reading, kept open; one a change, opened when it runs.

Every read is one statement inside a READ ONLY transaction, every change one transaction; both with time limits that
last for this transaction alone, so that a pooler between us and the server never hands them to somebody else.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from hutch.providers.audit.config import Config

Row = dict[str, Any]
Params = Mapping[str, object]
Session = psycopg.AsyncConnection[Any]

APPLICATION = "hutch"
ANSWER_MARGIN = 2.0
"""Seconds beyond the server's own limit after which a silent server counts as hanging."""
NO_OPERATOR = (
    "no changes here: services.*.audit.operator_url is not set; set it to a login that may INSERT and UPDATE "
    "the tables of blocks and restrictions"
)
_LIMITS = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
_TEMPORARY = ("08", "53", "57", "55P03", "40")  # SQLSTATE classes: connection, resources, intervention, locks, rollback
_PASSWORD = re.compile(r"(//[^/@:\s\"]*):[^/@\s\"]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)


class AuditError(Exception):
    """A failure in words that are safe to show. ``sent``: the change may have happened all the same."""

    def __init__(self, text: str, *, sent: bool = False, recoverable: bool = False, lost: bool = False) -> None:
        super().__init__(text)
        self.sent = sent
        self.recoverable = recoverable
        self.lost = lost


class Client:
    """Reads by ``url``, changes by ``operator_url``."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.target = _place(config.url)
        if config.operator_url:
            _place(config.operator_url)
        self._reading: Session | None = None
        self._turn = asyncio.Lock()

    @property
    def refusal(self) -> str:
        """Why nothing can be changed; empty when it can."""
        return "" if self._config.operator_url else NO_OPERATOR

    async def rows(self, statement: sql.Composed, params: Params) -> list[Row]:
        """All rows of one read; once more on a fresh connection when the server had gone away in between."""
        async with self._turn:
            try:
                return await self._read(statement, params)
            except AuditError as error:
                if not error.lost:
                    raise
                return await self._read(statement, params)

    @asynccontextmanager
    async def changing(self, limit: str = "statement_timeout") -> AsyncIterator[Change]:
        """One transaction of the operator; it is committed at the end. ``AuditError.sent`` once that was begun. The
        setting ``limit`` says how long each of its statements may take."""
        if self.refusal:
            raise AuditError(self.refusal)
        session = await self._open(self._config.operator_url)
        try:
            change = Change(self._config, session)
            async with self._bounded(session, change, limit), session.transaction():
                await _limit(session, self._config, limit)
                yield change
        finally:
            await session.close()

    async def close(self) -> None:
        """Close the reading connection; the next read would open a new one."""
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.close()

    async def _read(self, statement: sql.Composed, params: Params) -> list[Row]:
        if self._reading is None or self._reading.closed:
            self._reading = await self._open(self._config.url)
            await self._reading.set_read_only(True)
        session = self._reading
        async with self._bounded(session):
            try:
                await _limit(session, self._config)
                return await _rows(session, statement, params)
            finally:
                with suppress(psycopg.Error):
                    await session.rollback()

    async def _open(self, url: str) -> Session:
        try:
            return await psycopg.AsyncConnection.connect(
                url,
                application_name=APPLICATION,
                connect_timeout=math.ceil(self._config.number("connect_timeout")),
                client_encoding="utf8",
            )
        except psycopg.Error as error:
            raise AuditError(f"{self.target}: {_said(error)}", recoverable=True) from None

    @asynccontextmanager
    async def _bounded(
        self, session: Session, change: Change | None = None, limit: str = "statement_timeout"
    ) -> AsyncIterator[None]:
        """Failures classified; a server silent for too long loses the connection."""
        seconds = self._config.number(limit)
        try:
            async with asyncio.timeout(seconds + ANSWER_MARGIN):
                yield
        except TimeoutError:
            await session.close()
            sent = change is not None and change.sent
            raise AuditError(f"{self.target}: no answer within {seconds:g} s", sent=sent, recoverable=True) from None
        except psycopg.Error as error:
            lost = session.closed or error.sqlstate is None
            sent = lost and change is not None and change.sent
            recoverable = lost or (error.sqlstate or "").startswith(_TEMPORARY)
            raise AuditError(_said(error), sent=sent, recoverable=recoverable, lost=lost) from error


class Change:
    """The operator's transaction. ``sent``: a changing statement went out, so a lost connection leaves it unknown."""

    def __init__(self, config: Config, session: Session) -> None:
        self._config = config
        self._session = session
        self.sent = False

    async def alone(self, name: str) -> None:
        """Wait until nobody else changes what is called ``name``, and keep others out until the end."""
        await self._session.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"hutch audit {name}"], prepare=True
        )

    async def rows(self, statement: sql.Composed, params: Params) -> list[Row]:
        """One changing statement and what it returns."""
        self.sent = True
        return await _rows(self._session, statement, params)


async def _limit(session: Session, config: Config, limit: str = "statement_timeout") -> None:
    limits = [f"{config.number(name) * 1000:.0f}" for name in (limit, "lock_timeout")]
    await session.execute(_LIMITS, limits, prepare=True)


async def _rows(session: Session, statement: sql.Composed, params: Params) -> list[Row]:
    cursor = session.cursor(row_factory=dict_row)
    await cursor.execute(statement, params, prepare=True)
    return await cursor.fetchall()


def _place(url: str) -> str:
    """Where the address leads, ``host:port/database``. ``ValueError``, without quoting it, if it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError(
            "audit: the database address can't be read: expected postgresql://user:password@host:5432/name"
        ) from None
    where = f"{parts.get('host') or parts.get('hostaddr') or 'localhost'}:{parts.get('port') or 5432}"
    return f"{where}/{parts.get('dbname') or parts.get('user') or 'postgres'}"


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    masked = _PASSWORD.sub(lambda m: f"{m[1]}:•••@" if m[1] is not None else f"{m[2]}•••", text)
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", masked) or type(error).__name__

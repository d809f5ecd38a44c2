"""One reading connection to the database: each read a statement inside a READ ONLY transaction with time limits."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from hutch.providers.migrations.config import Config

Row = dict[str, Any]
Session = psycopg.AsyncConnection[Any]

APPLICATION = "hutch"
ANSWER_MARGIN = 2.0
"""Seconds beyond the server's own limit after which a silent server counts as hanging."""
_LIMITS = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
_PASSWORD = re.compile(r"(//[^/@:\s\"]*):[^/@\s\"]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)


class MigrationsError(Exception):
    """Why something could not be told, in words that are safe to show. ``lost``: the connection went meanwhile;
    ``away``: the server can't be reached, or does not answer."""

    def __init__(self, text: str, *, lost: bool = False, away: bool = False) -> None:
        super().__init__(text)
        self.lost, self.away = lost, away


class Client:
    """The reading login. Opens its connection at the first use; a lost one is replaced at the next."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.target = place(config.url)
        self.printed: dict[object, str] = {}  # what the tool printed, by command and script: a run of it takes seconds
        self._session: Session | None = None
        self._turn = asyncio.Lock()

    async def rows(self, statement: sql.Composed, params: Mapping[str, object] | None = None) -> list[Row]:
        """All rows of one read; once more on a fresh connection when the server had gone away in between."""
        async with self._turn:
            try:
                return await self._read(statement, params)
            except MigrationsError as error:
                if not error.lost:
                    raise
                return await self._read(statement, params)

    async def close(self) -> None:
        """Close the connection; the next read would open a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _read(self, statement: sql.Composed, params: Mapping[str, object] | None) -> list[Row]:
        if self._session is None or self._session.closed:
            self._session = await self._open()
        session = self._session
        limits = [f"{seconds * 1000:.0f}" for seconds in (self._config.statement_timeout, self._config.lock_timeout)]
        async with self._bounded(session):
            try:
                await session.execute(_LIMITS, limits, prepare=True)
                cursor = session.cursor(row_factory=dict_row)
                await cursor.execute(statement, params, prepare=True)
                return await cursor.fetchall()
            finally:
                with suppress(psycopg.Error):
                    await session.rollback()

    async def _open(self) -> Session:
        try:
            session = await psycopg.AsyncConnection.connect(
                self._config.url,
                application_name=APPLICATION,
                connect_timeout=math.ceil(self._config.connect_timeout),
                client_encoding="utf8",
            )
        except psycopg.Error as error:
            raise MigrationsError(f"{self.target}: {_said(error)}", away=True) from None
        async with AsyncExitStack() as broken_off:  # psycopg lets others run here while the loop is busy
            broken_off.push_async_callback(session.close)
            await session.set_read_only(True)
            broken_off.pop_all()
        return session

    @asynccontextmanager
    async def _bounded(self, session: Session) -> AsyncIterator[None]:
        seconds = self._config.statement_timeout
        try:
            async with asyncio.timeout(seconds + ANSWER_MARGIN):
                yield
        except TimeoutError:
            await session.close()
            raise MigrationsError(f"{self.target}: no answer within {seconds:g} s", away=True) from None
        except psycopg.Error as error:
            raise MigrationsError(_said(error), lost=session.closed or error.sqlstate is None) from error


def place(url: str) -> str:
    """Where the address leads, ``host:port/database``. ``ValueError``, without quoting it, if it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError(
            "migrations: the database address can't be read: expected postgresql://user:password@host:5432/name"
        ) from None
    where = f"{parts.get('host') or parts.get('hostaddr') or 'localhost'}:{parts.get('port') or 5432}"
    return f"{where}/{parts.get('dbname') or parts.get('user') or 'postgres'}"


def password_of(url: str) -> str:
    """The password in a database address; empty where there is none."""
    return str(conninfo_to_dict(url).get("password") or "")


def masked(text: str) -> str:
    """``text`` with the passwords of database addresses in it replaced.

    >>> masked("postgresql://owner:secret@db/shop")
    'postgresql://owner:•••@db/shop'
    """
    return _PASSWORD.sub(lambda m: f"{m[1]}:•••@" if m[1] is not None else f"{m[2]}•••", text)


def _said(error: BaseException) -> str:
    text = masked(" ".join(str(error).split()))
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", text) or type(error).__name__

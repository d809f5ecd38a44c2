"""One reading connection to the project's database, opened at first use: a look is one statement in a READ ONLY
transaction with time limits of its own. A change is one statement on a connection of its own."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from hutch.providers.supabase.config import Config
from hutch.remote import Refused, Silent

Row = dict[str, Any]
Session = psycopg.AsyncConnection[Any]
APPLICATION = "hutch"
MARGIN = 2.0
"""Seconds beyond the server's own limit after which a silent server counts as hanging."""
LIMITS = "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
SECRET = re.compile(r"(//[^/@:\s\"]*):[^/@\s\"]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)
CLOSED = "42501"


class Closed(Exception):
    """This login may not see it."""


class Database:
    """The project's database, by the reading login."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._session: Session | None = None
        self._turn = asyncio.Lock()
        for url in filter(None, (config.database_url, config.change_url)):
            where(url)
        self.where = where(config.database_url) if config.database_url else ""

    async def rows(self, statement: LiteralString | sql.Composed, params: dict[str, object] | None = None) -> list[Row]:
        """All rows of one look; on a fresh connection where the last one had broken. Raises :class:`Closed`,
        :class:`Refused` or :class:`Silent`."""
        text = sql.SQL(statement).format() if isinstance(statement, str) else statement
        async with self._turn:
            fresh = self._session is None or self._session.closed
            try:
                return await self._read(text, params)
            except Silent:
                if fresh:
                    raise
            return await self._read(text, params)

    async def tell(self, statement: LiteralString) -> None:
        """One changing statement by the login for changes. ``Silent.sent`` once it went out."""
        session = await self._open(self._config.change_url)
        try:
            async with self._bounded(session):
                await session.execute(statement, prepare=True)
                await session.commit()
        finally:
            await session.close()

    async def close(self) -> None:
        """Close the connection; the next look would open a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _read(self, text: sql.Composed, params: dict[str, object] | None) -> list[Row]:
        if self._session is None or self._session.closed:
            self._session = await self._open(self._config.database_url)
            await self._session.set_read_only(True)
        session = self._session
        async with self._bounded(session):
            try:
                limit = f"{self._config.timeout * 1000:.0f}"
                await session.execute(LIMITS, [limit, limit], prepare=True)
                cursor = session.cursor(row_factory=dict_row)
                await cursor.execute(text, params, prepare=True)
                return await cursor.fetchall()
            finally:
                with suppress(psycopg.Error):
                    await session.rollback()

    async def _open(self, url: str) -> Session:
        try:
            async with asyncio.timeout(self._config.timeout + MARGIN):
                return await psycopg.AsyncConnection.connect(
                    url,
                    application_name=APPLICATION,
                    connect_timeout=math.ceil(self._config.timeout),
                    client_encoding="utf8",
                )
        except TimeoutError:
            raise Silent(f"{where(url)}: no answer while connecting", sent=False) from None
        except (psycopg.Error, OSError) as error:
            raise Silent(f"{where(url)}: {_said(error)}", sent=False) from None

    @asynccontextmanager
    async def _bounded(self, session: Session) -> AsyncIterator[None]:
        seconds = self._config.timeout
        try:
            async with asyncio.timeout(seconds + MARGIN):
                yield
        except TimeoutError:
            await session.close()
            raise Silent(f"the database gives no answer within {seconds:g} s", sent=True) from None
        except psycopg.Error as error:
            if error.sqlstate == CLOSED:
                raise Closed(_said(error)) from None
            if session.closed or error.sqlstate is None:
                raise Silent(f"the connection to the database broke: {_said(error)}", sent=True) from None
            raise Refused(_said(error), recoverable=error.sqlstate[:2] in ("53", "57", "40", "55")) from None


def where(url: str) -> str:
    """Where an address leads. ``ValueError``, without quoting it, if it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError(
            "supabase: the database address can't be read: expected postgresql://user:password@host:5432/postgres"
        ) from None
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or 'postgres'}"


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    masked = SECRET.sub(lambda m: f"{m[1]}:•••@" if m[1] is not None else f"{m[2]}•••", text)
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", masked) or type(error).__name__

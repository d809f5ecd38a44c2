"""Reads one table by pages and rows, in one snapshot; survives a server that goes down over a damaged page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from hutch.providers.postgres.damage import session as sessions
from hutch.providers.postgres.damage.config import DamageConfig
from hutch.providers.postgres.damage.ranges import Range
from hutch.providers.postgres.damage.session import is_damage, is_loss, one_line
from hutch.providers.postgres.damage.sink import Sink

BEGIN = "begin transaction isolation level repeatable read, read only"
MOST_FALLS = 5
"""How often the server may go down over one table before the rest of it is left."""


class Unreadable(Exception):
    """A range, a page or a row can't be read; the text is the server's."""


class Denied(Exception):
    """This login may not read the table."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table and the columns that are copied."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def place(self) -> sql.Composable:
        """The table, quoted."""
        return sql.Identifier(self.schema, self.name)

    @property
    def listed(self) -> sql.Composed:
        """The columns, quoted; a table without any has none to give."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


class Reader:
    """The session, which is made anew when the server went down: ``snapshots`` counts them, ``falls`` the downs."""

    def __init__(self, config: DamageConfig) -> None:
        self._config = config
        self._session: sessions.Session | None = None
        self.snapshots = 0
        self.falls = 0

    async def begin(self) -> sessions.Session:
        """A session within a snapshot. :class:`PostgresError` when there is none to be had."""
        if self._session is None or self._session.closed:
            self._session = await (sessions.again if self.snapshots else sessions.connect)(self._config)
            await self._session.execute(BEGIN.encode())
            self.snapshots += 1
        return self._session

    async def close(self) -> None:
        """Let go."""
        if self._session is not None:
            await sessions.closed(self._session)

    async def copied(self, table: Wanted, where: sql.Composable, sink: Sink, columns: sql.Composable | None = None,
                     *, despite_checksums: bool = False) -> int:  # fmt: skip
        """Rows that went into ``sink``; none did when it raises :class:`Unreadable` or :class:`Denied`."""
        statement = sql.SQL("copy (select {} from only {} t where {}) to stdout").format(
            table.listed if columns is None else columns, table.place, where
        )
        session, mark = await self.begin(), sink.mark()
        try:
            async with session.transaction():
                if despite_checksums:
                    await session.execute(b"set local ignore_checksum_failure = on")
                cursor = session.cursor()
                async with cursor.copy(statement) as giving:
                    async for piece in giving:
                        sink.write(piece)
        except psycopg.Error as error:
            sink.back(mark)
            raise await self._meant(session, error) from None
        sink.rows += cursor.rowcount
        return int(cursor.rowcount)

    async def answers(self, statement: sql.Composed) -> list[tuple[Any, ...]]:
        """The rows of a small question. :class:`Unreadable`, :class:`Denied`."""
        session = await self.begin()
        try:
            async with session.transaction():
                return await (await session.execute(statement)).fetchall()
        except psycopg.Error as error:
            raise await self._meant(session, error) from None

    async def _meant(self, session: sessions.Session, error: psycopg.Error) -> Exception:
        if is_loss(error, session):
            self.falls += 1
            await sessions.closed(session)
            return Unreadable(f"the server went down: {one_line(error)}")
        if is_damage(error):
            return Unreadable(one_line(error))
        return Denied(one_line(error))


def within(found: Range) -> sql.Composed:
    """The rows of these pages."""
    first, end = sql.Literal(f"({found.first},0)"), sql.Literal(f"({found.end},0)")
    return sql.SQL("t.ctid >= {}::pg_catalog.tid and t.ctid < {}::pg_catalog.tid").format(first, end)


def row_at(ctid: str) -> sql.Composed:
    """One row."""
    return sql.SQL("t.ctid = {}::pg_catalog.tid").format(sql.Literal(ctid))

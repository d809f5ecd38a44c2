"""Connections to one server: a warm one kept for the day when none is left, beside a small pool for parallel reads.

Every read is exactly one statement (extended protocol), inside a READ ONLY transaction with time limits that last for
this transaction alone, so that a pooler between us and the server never hands them to somebody else.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.postgres import types
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.string import TextLoader

from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import Kind, PostgresError, failed, place, refused

T = TypeVar("T")
Session = psycopg.AsyncConnection[Any]
Row = dict[str, Any]
Params = Mapping[str, object] | Sequence[object] | None
Look = Callable[[Session], Awaitable[T]]

APPLICATION = "hutch"
POOL_SIZE = 4
"""Parallel reads; more would take connections from the service that is in trouble."""
LEAST, SHARE = 2, 16
"""On a small server fewer: one for so many connections that it has, and no less than two."""
ROW_LIMIT = 200
"""Rows of a person's statement that are kept."""
ANSWER_MARGIN = 2.0
"""Seconds beyond the server's own limit after which a silent server counts as hanging."""
SILENCES = 2
"""Reads in a row without an answer that make a silent server of a slow moment."""
_SETTLE_SECONDS = 1.0

_LIMITS = """
select set_config('statement_timeout', %s, %s), set_config('lock_timeout', %s, %s),
       set_config('idle_in_transaction_session_timeout', %s, %s), set_config('jit', 'off', %s)"""
"""A transaction of ours that nobody goes on with, since we were cut off unnoticed, must not hold its locks.
Compiling a look takes longer than the look: seconds, on a busy server whose builders gave it LLVM."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a statement returned, as the server writes it: ``more`` when rows were left out, ``hits`` the rows hit."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    more: bool = False
    hits: int = 0
    status: str = ""


class Turns:
    """How many may read at once; that may become fewer, or more again, while some do."""

    def __init__(self, most: int) -> None:
        self.most, self._free, self._excess = most, asyncio.Semaphore(most), 0

    def at_most(self, most: int) -> None:
        """From now on, and as soon as those that are more have ended."""
        self._excess += self.most - most
        self.most = most
        while self._excess < 0:
            self._excess += 1
            self._free.release()

    async def __aenter__(self) -> None:
        await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        if self._excess > 0:
            self._excess -= 1
        else:
            self._free.release()


class Client:
    """The reading login's connections. Opens the first at first use; a lost one is replaced at the next."""

    def __init__(self, config: Config) -> None:
        self.where, self.database = place(config.url)
        self._config = config
        self._reserved: Session | None = None
        self._reserved_turn = asyncio.Lock()
        self._idle: list[Session] = []
        self._turns = Turns(POOL_SIZE)
        self._trouble: tuple[float, PostgresError] | None = None
        self._silences = 0
        self._closed = False

    async def rows(self, sql: str, params: Params = None) -> list[Row]:
        """All rows of one of our own queries by column name. Raises :class:`PostgresError`."""

        async def look(session: Session) -> list[Row]:
            cursor = session.cursor(row_factory=dict_row)
            await cursor.execute(sql.encode(), params, prepare=True)
            return await cursor.fetchall()

        return await self._read(look, self._config.statement_timeout)

    async def look(self, look: Look[T]) -> T:
        """Several statements of our own in one READ ONLY transaction. Raises :class:`PostgresError`."""
        return await self._read(look, self._config.statement_timeout)

    async def table(self, sql: str, params: Params, seconds: float) -> Table:
        """A person's statement, at most :data:`ROW_LIMIT` rows of it. Raises :class:`PostgresError`."""
        return await self._read(lambda session: streamed(session, sql, params), seconds)

    async def make_room(self) -> None:
        """Give the pool's idle connections back to the server; the reserved one stays."""
        idle, self._idle = self._idle, []
        for session in idle:
            await session.close()

    async def close(self) -> None:
        """Close every connection, and from now on each that a look under way, or a later one, gives back."""
        self._closed = True
        await self.make_room()
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            await reserved.close()

    async def _read(self, look: Look[T], seconds: float) -> T:
        """Run ``look``; once more on fresh connections when the server had gone away in between."""
        try:
            return await self._read_once(look, seconds)
        except PostgresError as error:
            if not error.lost:
                raise
            await self.make_room()
            return await self._read_once(look, seconds)

    async def _read_once(self, look: Look[T], seconds: float) -> T:
        asked = time.monotonic()
        async with self._turns, self._borrowed(asked) as session:
            within = _within_limits(session, look, seconds, self._config.lock_timeout)
            try:
                found = await guarded(session, self.where, within, seconds)
            except PostgresError as error:
                self._silences += error.silent
                if self._silences >= SILENCES:
                    self._trouble = (time.monotonic(), error)
                raise
            self._silences = 0
            return found

    def _known_trouble(self, asked: float) -> None:
        """Whoever waited for his turn while the server was found silent need not find it out once more."""
        if self._trouble and self._trouble[0] > asked:
            raise self._trouble[1].again()

    @asynccontextmanager
    async def _borrowed(self, asked: float) -> AsyncIterator[Session]:
        """A connection of the pool, or the reserved one when the server has none left for us."""
        try:
            self._known_trouble(asked)
            await self._warm_up(asked)
            session = await self._pooled()
            if session is None:
                async with self._reserved_turn, _settled(await self._warm()) as reserved:
                    yield reserved
                return
            try:
                async with _settled(session):
                    yield session
            finally:
                await self._kept(session)
        finally:
            if self._closed:
                await self.close()

    async def _kept(self, session: Session) -> None:
        """For the next look, unless as many as may read at once are kept already."""
        if len(self._idle) >= self._turns.most:
            await session.close()
        elif not session.closed:
            self._idle.append(session)

    async def _warm_up(self, asked: float) -> None:
        if self._reserved is None or self._reserved.closed:
            async with self._reserved_turn:
                self._known_trouble(asked)
                await self._warm()

    async def _warm(self) -> Session:
        """The reserved connection; call with its turn held."""
        if self._reserved is None or self._reserved.closed:
            self._reserved = await self._open()
            self._turns.at_most(await self._share(self._reserved))
        return self._reserved

    async def _share(self, session: Session) -> int:
        """How many of its connections may be ours for reading."""
        with suppress(psycopg.Error, TimeoutError):  # a pooler that does not tell; the next look says what is wrong
            async with asyncio.timeout(_SETTLE_SECONDS), _settled(session):
                found = await (await session.execute("show max_connections")).fetchone()
                return min(max(int(found[0]) // SHARE, LEAST), POOL_SIZE) if found else POOL_SIZE
        return POOL_SIZE

    async def _pooled(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if not session.closed:
                return session
        try:
            return await self._open()
        except PostgresError as error:
            if error.kind is not Kind.EXHAUSTED:
                raise
            return None

    async def _open(self) -> Session:
        try:
            session = await connected(self._config.url, self._config, self.where)
        except PostgresError as error:
            if error.kind is Kind.UNREACHABLE:
                self._trouble = (time.monotonic(), error)
            raise
        async with AsyncExitStack() as broken_off:  # psycopg lets others run here while the loop is busy
            broken_off.push_async_callback(session.close)
            await session.set_read_only(True)
            broken_off.pop_all()
        return session


async def connected(url: str, config: Config, where: str, *, autocommit: bool = False) -> Session:
    """A new connection that the server sees as ``hutch``. Raises :class:`PostgresError`."""
    try:
        return await psycopg.AsyncConnection.connect(
            url,
            autocommit=autocommit,
            application_name=APPLICATION,
            connect_timeout=math.ceil(config.connect_timeout),
            client_encoding="utf8",
        )
    except psycopg.Error as error:
        raise refused(error, where) from None


async def guarded(session: Session, where: str, work: Awaitable[T], seconds: float) -> T:
    """The work's result; its failure classified. A server silent for too long loses the connection."""
    try:
        async with asyncio.timeout(seconds + ANSWER_MARGIN):
            return await work
    except TimeoutError:
        await session.close()
        raise PostgresError(Kind.TIMEOUT, f"{where}: no answer within {seconds:g} s", sent=True, silent=True) from None
    except psycopg.Error as error:
        raise failed(error, where, lost=session.closed) from error


async def limit(session: Session, statement: float, lock: float, *, local: bool) -> None:
    """Set the server's own time limits in seconds, for this transaction (``local``) or the session."""
    scope = "true" if local else "false"
    idle = _ms(statement + ANSWER_MARGIN)
    await session.execute(_LIMITS, [_ms(statement), scope, _ms(lock), scope, idle, scope, scope], prepare=True)


async def streamed(session: Session, sql: str, params: Params) -> Table:
    """Exactly one statement's rows, given up after :data:`ROW_LIMIT` (the server is told to stop)."""
    cursor = _plain(session)
    rows: list[tuple[str | None, ...]] = []
    try:
        async with aclosing(cursor.stream(sql.encode(), params or None)) as stream:  # type: ignore[type-var]
            async for row in stream:
                rows.append(row)
                if len(rows) > ROW_LIMIT:
                    break
    except psycopg.ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        return Table(status=cursor.statusmessage or "")  # a statement without a result, SET for one
    return Table(_columns(cursor), tuple(rows[:ROW_LIMIT]), len(rows) > ROW_LIMIT, len(rows))


async def executed(session: Session, sql: str, params: Params) -> Table:
    """Exactly one statement, to its end."""
    cursor = _plain(session)
    await cursor.execute(sql.encode(), params or None, prepare=True)
    status, hits = cursor.statusmessage or "", max(cursor.rowcount, 0)
    if cursor.description is None:
        return Table(status=status, hits=hits)
    rows = await cursor.fetchmany(ROW_LIMIT)
    return Table(_columns(cursor), tuple(rows), hits > len(rows), hits, status)


async def _within_limits(session: Session, look: Look[T], statement: float, lock: float) -> T:
    await limit(session, statement, lock, local=True)
    return await look(session)


@asynccontextmanager
async def _settled(session: Session) -> AsyncIterator[Session]:
    """The session, brought to rest afterwards."""
    try:
        yield session
    finally:
        await _settle(session)


async def _settle(session: Session) -> None:
    """Leave the transaction; what can't be brought to rest is closed, also where this is broken off in the middle."""
    try:
        if session.info.transaction_status is not TransactionStatus.IDLE and not session.closed:
            with suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(_SETTLE_SECONDS):
                    await session.rollback()
    finally:
        if session.info.transaction_status is not TransactionStatus.IDLE:
            await session.close()


def _plain(session: Session) -> psycopg.AsyncCursor[tuple[str | None, ...]]:
    """A cursor whose values are the server's own text, so that no value (infinity, a date BC) fails to load."""
    cursor: psycopg.AsyncCursor[tuple[str | None, ...]] = session.cursor()
    for info in types:
        cursor.adapters.register_loader(info.oid, TextLoader)
        if info.array_oid:
            cursor.adapters.register_loader(info.array_oid, TextLoader)
    return cursor


def _columns(cursor: psycopg.AsyncCursor[Any]) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())


def _ms(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))

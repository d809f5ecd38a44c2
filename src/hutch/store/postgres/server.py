"""Connections to the database of a store. Nothing connects before its first use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool

from hutch.store import revisions
from hutch.store.errors import StoreError
from hutch.store.postgres.errors import Reported, away, explained, is_away, is_clash

T = TypeVar("T")
Connection = AsyncConnection[Any]

SCHEMA = "hutch"
"""All our tables live in this schema, beside whatever else the database holds."""

SESSION = "hutch schema "
"""How the name of each session begins; the schema that its Hutch is for follows."""

AWAY_SECONDS = 20.0
"""How long a server that went away is waited for: a restart or a fail-over is ridden out."""

RETRY_SECONDS = 0.25
"""Pause between two tries meanwhile."""

CLASHES = 5
"""How often work that another transaction got in the way of is tried."""

POOL = 8
"""Connections for reading and for jobs, at most; writing and listening have one each besides."""

_SESSION = {
    "search_path": SCHEMA,
    "idle_in_transaction_session_timeout": "10s",  # one that vanished holds the log's end no longer than that
    "lock_timeout": "15s",
    "client_min_messages": "warning",
}
_CONNECTING = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def session_conninfo(url: str) -> str:
    """``url`` with what every session of ours needs; what the address itself sets stands.

    Raises :class:`StoreError` for one that is no address.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        said = str(error).strip()
        raise StoreError(
            f"no address of a database: {said}", "HUTCH_DATABASE_URL", "write postgresql://USER@HOST:PORT/DATABASE"
        ) from error
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    given["options"] = f"{options} {given.get('options') or ''}".strip()
    named = {"application_name": session_name(), **_CONNECTING}
    return make_conninfo("", **{**named, **{k: str(v) for k, v in given.items() if v is not None}})


def session_name() -> str:
    """Every session of the store tells for which schema its Hutch is: who changes the schema asks for others."""
    return f"{SESSION}{revisions.SERVER.own}"


def place_of(url: str) -> str:
    """``host:port/database``, for messages: no password and no user."""
    parts = conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or parts.get('user') or ''}"


async def _lightly(connection: Connection) -> None:
    """The shared connections read, and keep the queue: a taking or finishing of a job that a crash of the server loses
    is done again, and need not wait for the disk. What must be durable says so itself.
    """
    await connection.execute("SET synchronous_commit TO off")


class Server:
    """The database at ``url``. ``prepare`` is called in a thread with the session's conninfo before the first use."""

    def __init__(self, url: str, prepare: Callable[[str, str], None]) -> None:
        self.conninfo, self.place = session_conninfo(url), place_of(url)
        self._prepare = prepare
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def pool(self) -> AsyncConnectionPool[Connection]:
        """The shared connections; the first call connects and brings the schema up to date."""
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._check_open()
                    await asyncio.to_thread(self._prepare, self.conninfo, self.place)
                    self._pool = await self._filled()
        return self._pool

    async def _filled(self) -> AsyncConnectionPool[Connection]:
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self.conninfo,
            kwargs={"autocommit": True},
            configure=_lightly,
            min_size=1,
            max_size=POOL,
            timeout=AWAY_SECONDS,
            name="hutch-store",
            open=False,
        )
        await pool.open()
        return pool

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("already closed", self.place, "open it again")

    async def connect(self, *, lightly: bool = False) -> Connection:
        """A connection of one's own, in autocommit mode; ``lightly``: its commits do not wait for the disk."""
        await self.pool()
        connection = await AsyncConnection.connect(self.conninfo, autocommit=True)
        if lightly:
            await _lightly(connection)
        return connection

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """One of the shared connections, in autocommit mode, for a moment. Raises what the driver raises."""
        async with (await self.pool()).connection() as connection:
            yield connection

    async def patiently(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """``work`` on a shared connection, again on another one while the server is away: for what may be repeated.

        Raises :class:`StoreAway` when it stays away, ``StoreFull`` and :class:`StoreError`.
        """
        deadline, clashes = time.monotonic() + AWAY_SECONDS, 0
        while True:
            self._check_open()
            try:
                async with self.borrowed() as connection:
                    return await work(connection)
            except Reported as error:
                clashes += is_clash(error)
                if not is_away(error) and not 0 < clashes < CLASHES:
                    raise explained(self.place, error) from error
                if time.monotonic() > deadline:
                    raise away(self.place, error) from error
            await asyncio.sleep(RETRY_SECONDS)

    async def rows(self, text: LiteralString, **values: object) -> list[Any]:
        """What a query gives, as rows whose fields are attributes."""

        async def fetch(connection: Connection) -> list[Any]:
            async with connection.cursor(row_factory=namedtuple_row) as cursor:
                await cursor.execute(text, values)
                return await cursor.fetchall()

        return await self.patiently(fetch)

    async def close(self) -> None:
        """Let go of the shared connections. Harmless when repeated."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool:
            await pool.close()

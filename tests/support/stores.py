"""Every kind of store for the tests: in memory, SQLite, and Postgres on one server for the whole session.

On Postgres a test has a database of its own, copied from a migrated one. There ``now()`` is a function of the test's:
so the due times and heartbeats that the server judges go by the test's clock, and nothing has to wait for real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hutch.ports import Queue, Store
from hutch.queue.local import LocalQueue
from hutch.queue.postgres import ProcrastinateQueue
from hutch.store.postgres.schema import QueueSchema, ensure_current
from hutch.store.postgres.server import session_conninfo
from hutch.store.postgres.store import PostgresStore
from hutch.store.sqlite import SqliteStore
from hutch.testing import FakeClock, MemoryQueue, MemoryStore
from rolerabbit.embedded import Postgres

KINDS = ("memory", "sqlite", "postgres")
DURABLE = ("sqlite", "postgres")
LEASE = 15.0

_NUMBERS = count(1)
_FAKE_NOW = """
CREATE SCHEMA fake;
CREATE TABLE fake.clock (at timestamptz NOT NULL);
INSERT INTO fake.clock VALUES (pg_catalog.now());
CREATE FUNCTION fake.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM fake.clock';
"""


class DatabaseClock(FakeClock):
    """A clock that a database goes by as well."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._connection = psycopg.connect(url, autocommit=True)
        self._tell()

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        if seconds:
            self._tell()

    def close(self) -> None:
        self._connection.close()

    def _tell(self) -> None:
        self._connection.execute("UPDATE fake.clock SET at = %s", [self.now()])


class Databases:
    """Fresh databases on one server."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.template = server.createdb("hutch_template")
        queue = ProcrastinateQueue(FakeClock())
        ensure_current(session_conninfo(self.template), "template", QueueSchema(queue.current, queue.prepare))
        with psycopg.connect(self.template, autocommit=True) as connection:
            connection.execute(_FAKE_NOW)

    @contextmanager
    def fresh(self, template: str = "hutch_template") -> Iterator[str]:
        """The address of a new database that is gone afterwards."""
        name = f"hutch_{next(_NUMBERS)}"
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            try:
                yield self.server.url_for(name)
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def by_fake_time(url: str) -> str:
    """The address under which ``now()`` is the test's."""
    return f"{url}?options=-c%20search_path%3Dfake%2Chutch%2Cpg_catalog"


@dataclass
class Opened:
    """A store with a queue of its own, and more of them on the same data."""

    kind: str
    store: Store
    queue: Queue
    clock: FakeClock
    rival: Callable[[], Queue]
    """Another worker's queue."""


@asynccontextmanager
async def opened(kind: str, folder: Path, databases: Callable[[], Databases]) -> AsyncIterator[Opened]:
    """A new store of that kind."""
    async with _OPENERS[kind](folder, databases) as found:
        yield found


@asynccontextmanager
async def _memory(folder: Path, databases: Callable[[], Databases]) -> AsyncIterator[Opened]:
    store = MemoryStore(clock := FakeClock())
    yield Opened("memory", store, MemoryQueue(store), clock, lambda: MemoryQueue(store))


@asynccontextmanager
async def _sqlite(folder: Path, databases: Callable[[], Databases]) -> AsyncIterator[Opened]:
    store = SqliteStore(folder / "hutch.db", clock := FakeClock())
    yield Opened("sqlite", store, LocalQueue(store), clock, lambda: LocalQueue(store))
    await store.close()


@asynccontextmanager
async def _postgres(folder: Path, databases: Callable[[], Databases]) -> AsyncIterator[Opened]:
    with ExitStack() as stack:
        url = stack.enter_context(databases().fresh())
        clock = stack.enter_context(closing(DatabaseClock(url)))
        stores: list[PostgresStore] = []

        def another() -> ProcrastinateQueue:
            queue = ProcrastinateQueue(clock, stalled=LEASE, beat=0, look=0)
            stores.append(PostgresStore(by_fake_time(url), queue, clock))
            return queue

        queue = another()
        yield Opened("postgres", stores[0], queue, clock, another)
        for store in reversed(stores):
            await store.close()


_OPENERS: dict[str, Any] = {"memory": _memory, "sqlite": _sqlite, "postgres": _postgres}


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Callable[[], Databases]]:
    """Asked for, it starts the server; tests that need none start none."""
    found: list[Databases] = []
    with ExitStack() as stack:

        def databases() -> Databases:
            if not found:
                found.append(Databases(stack.enter_context(Postgres.temporary(max_connections=150))))
            return found[0]

        yield databases


@pytest.fixture
def database_url(postgres_databases: Callable[[], Databases]) -> Iterator[str]:
    """A database of the test's own, with Hutch's schema, by the real time."""
    with postgres_databases().fresh() as url:
        yield url


@pytest.fixture(params=KINDS)
async def any_store(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Callable[[], Databases]
) -> AsyncIterator[Opened]:
    """The same test on every kind of store."""
    async with opened(request.param, tmp_path, postgres_databases) as found:
        yield found


Fresh = Callable[[], Awaitable[Opened]]


@pytest.fixture(params=KINDS)
async def fresh_store(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Callable[[], Databases]
) -> AsyncIterator[Fresh]:
    """Makes a new store of one kind each time that it is called; the same test for every kind."""
    async with AsyncExitStack() as stack:
        numbers = count(1)

        async def fresh() -> Opened:
            folder = tmp_path / str(next(numbers))
            return await stack.enter_async_context(opened(request.param, folder, postgres_databases))

        yield fresh

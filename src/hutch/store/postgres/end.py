"""A Postgres database as one end of a move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from psycopg import Connection, IsolationLevel

from hutch.store.errors import StoreError
from hutch.store.moving import BATCH, Head, Kept, Row, parts
from hutch.store.postgres.errors import Reported, explained
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import QueueSchema, check_current, ensure_current
from hutch.store.postgres.server import place_of, session_conninfo
from hutch.store.postgres.verify import prove
from hutch.store.proof import Report


class MovableJobs(Protocol):
    """The queue in the same database, for a move: :mod:`hutch.queue.moving` is one."""

    def current(self, connection: Connection[Any]) -> bool:
        """Whether its tables are there and as it needs them."""

    def prepare(self, connection: Connection[Any]) -> None:
        """Make or bring them up to date."""

    def workers(self, connection: Connection[Any]) -> int:
        """How many workers are alive."""

    def count(self, connection: Connection[Any]) -> int:
        """How many jobs there are."""

    def read(self, connection: Connection[Any]) -> Iterator[Kept]:
        """All jobs, those given up first."""

    def put(self, connection: Connection[Any], kept: list[Kept]) -> None:
        """Add jobs."""


@contextmanager
def source(url: str, queue: MovableJobs) -> Iterator[PostgresEnd]:
    """The store at ``url``; nobody else can append meanwhile. Raises ``StoreError``, ``StoreAway``."""
    with _locked(url, queue) as end:
        yield end


@contextmanager
def snapshot(url: str, queue: MovableJobs) -> Iterator[PostgresEnd]:
    """The store at ``url`` as it is at this moment, for reading; others go on writing. Raises ``StoreError``."""
    place = place_of(url)
    try:
        with psycopg.connect(session_conninfo(url)) as connection:
            connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            check_current(connection, place)
            yield PostgresEnd(place, connection, queue)
    except Reported as error:
        raise explained(place, error) from error


@contextmanager
def target(url: str, queue: MovableJobs) -> Iterator[PostgresEnd]:
    """The store at ``url``; where there is none its tables are made, and stay. Raises ``StoreError``."""
    ensure_current(session_conninfo(url), place_of(url), QueueSchema(queue.current, queue.prepare))
    with _locked(url, queue) as end:
        yield end


@contextmanager
def _locked(url: str, queue: MovableJobs) -> Iterator[PostgresEnd]:
    place = place_of(url)
    try:
        with psycopg.connect(session_conninfo(url)) as connection:
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            check_current(connection, place)
            connection.execute(query("lock_end"))
            end = PostgresEnd(place, connection, queue)
            end.check_idle()
            yield end
    except Reported as error:
        raise explained(place, error) from error


class PostgresEnd:
    """Either end; see :mod:`hutch.store.moving`."""

    def __init__(self, place: str, connection: Connection[Any], queue: MovableJobs) -> None:
        self.place, self._connection, self._queue = place, connection, queue

    def check_idle(self) -> None:
        """Raises ``StoreError`` while a worker is alive."""
        alive = self._queue.workers(self._connection)
        if alive:
            what = f"{alive} worker{'s' if alive > 1 else ''} of it did something in the last seconds"
            raise StoreError(what, self.place, "stop every `hutch serve`, `hutch worker` and `hutch run` first")

    def held(self) -> str:
        """What is there already, in words."""
        events, *_ = self._connection.execute(query("proof_end")).fetchone() or (0,)
        found = {"events": events, "jobs": self._queue.count(self._connection)}
        return " and ".join(f"{count} {name}" for name, count in found.items() if count)

    def prove(self) -> Report:
        """The proof of every chain, as it stands in this transaction."""
        report = Report()
        prove(self._connection, report)
        return report

    def heads(self) -> Iterable[Head]:
        """The end of every stream, in order of the names' bytes."""
        with self._connection.cursor("heads") as cursor:
            cursor.itersize = BATCH
            yield from cursor.execute(query("heads_all"))

    def rows(self) -> Iterator[list[Row]]:
        """Batches of the log in writing order."""
        with self._connection.cursor("rows") as cursor:
            cursor.itersize = BATCH
            yield from parts(cursor.execute(query("copy_out")))

    def jobs(self) -> Iterator[list[Kept]]:
        """Batches of all jobs, those given up first."""
        return parts(self._queue.read(self._connection))

    def put(self, rows: list[Row]) -> None:
        """Add rows of the log; its end moves with them."""
        with self._connection.cursor() as cursor, cursor.copy(query("copy_in")) as copy:
            for row in rows:
                copy.write_row(row)
        self._connection.execute(query("move_end"), {"end": rows[-1][0]})

    def put_jobs(self, kept: list[Kept]) -> None:
        """Add jobs."""
        self._queue.put(self._connection, kept)

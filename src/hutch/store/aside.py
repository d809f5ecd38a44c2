"""Tables beside the log, for what is no event: each over an engine of its own, used in a thread.

In a SQLite file that is not synced at each write, or on Postgres in a schema of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from hutch.store.engine import create_file, prepared_by

T = TypeVar("T")

SCHEMA = "hutch_samples"

NOTICED = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""A server that is gone without a word is noticed within ten seconds, not the kernel's quarter of an hour."""

MAKING = 0x48554348
"""The advisory lock of whoever makes the schema or tables in it."""

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")


class Tables:
    """Tables that are made at their first use, over an engine that one thread uses at a time."""

    def __init__(self, engine: Callable[[], Engine], metadata: MetaData) -> None:
        self._make, self._metadata = engine, metadata
        self._engine: Engine | None = None
        self._turn = asyncio.Lock()
        self._making = threading.Lock()
        self._closed = False

    async def close(self) -> None:
        """Let go of them. Harmless when they were never used."""
        async with self._turn:
            await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        with self._making:  # a thread that nobody waits for may just be making them
            self._closed = True
            if self._engine:
                self._engine.dispose()

    def _within(self, work: Callable[[Connection], T]) -> T:
        with self._making:  # a caller that was cancelled leaves its thread at work
            if self._engine is None:
                self._engine = made(self._make, self._metadata)
        with self._engine.begin() as connection:
            try:
                return work(connection)
            finally:
                if self._closed:
                    connection.detach()  # the pool that it came from was let go of while we were at work


class Aside(Tables):
    """Such tables of which nothing depends. ``what`` is said in the log where they cannot be used."""

    def __init__(self, engine: Callable[[], Engine], metadata: MetaData, what: str, log: logging.Logger) -> None:
        super().__init__(engine, metadata)
        self._what, self._log = what, log

    async def _try(self, work: Callable[[Connection], T], otherwise: T) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._within, work)
            except (SQLAlchemyError, OSError) as error:
                self._log.warning("%s: %s", self._what, told(error))
                return otherwise


def made(make: Callable[[], Engine], metadata: MetaData) -> Engine:
    """An engine whose tables are there; where they can't be made nothing stays open."""
    engine = make()
    try:
        create_all(engine, metadata)
    except (SQLAlchemyError, OSError):
        engine.dispose()
        raise
    return engine


def create_all(engine: Engine, metadata: MetaData) -> None:
    """Make the tables that are missing, one process at a time: of two that make the same one, the later one fails."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MAKING)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)


def told(error: Exception) -> str:
    """An error of a table in one line."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"


# ------------------------------------------------------------------ where they are


def in_file(path: Path, pragmas: Sequence[str] = PRAGMAS) -> Callable[[], Engine]:
    """Makes an engine for a SQLite file, which is made when it is missing, for its owner only."""

    def make() -> Engine:
        create_file(path)
        engine = create_engine(URL.create("sqlite", database=str(path)))

        def prepare(connection: Any, _record: object) -> None:
            prepared_by(connection, pragmas)

        event.listen(engine, "connect", prepare)
        return engine

    return make


def in_database(url: str) -> Callable[[], Engine]:
    """Makes an engine for the Postgres at ``url``: the tables lie in a schema of their own beside the log's."""

    def make() -> Engine:
        place = make_url(url).set(drivername="postgresql+psycopg")
        how = {"application_name": "hutch samples", "connect_timeout": 10, **NOTICED}
        engine = create_engine(place, pool_size=1, max_overflow=1, pool_pre_ping=True, connect_args=how)

        def prepare(connection: Any, _record: object) -> None:
            there = connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone()
            if there[0] is None:  # whoever may not make schemas may use one that is there
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.execute(f"SET search_path TO {SCHEMA}")
            connection.commit()

        event.listen(engine, "connect", prepare)
        return engine

    return make


def is_in_database(url: str, table: str) -> Callable[[], bool]:
    """Tells whether that table is there by now, and makes nothing: not even the schema, which would be of whoever asks
    first."""

    def there() -> bool:
        place = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(place, connect_args={"application_name": "hutch samples", "connect_timeout": 10})
        try:
            with engine.connect() as connection:
                return connection.scalar(select(func.to_regclass(f"{SCHEMA}.{table}"))) is not None
        finally:
            engine.dispose()

    return there

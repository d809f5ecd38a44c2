"""Engines for one SQLite file: one that writes, some that read."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from hutch.store.errors import BUSY_SECONDS
from hutch.store.prepared import plain

_WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON")
_READER_PRAGMAS = ("query_only=ON",)


def create_file(path: Path) -> None:
    """Make a missing file, for its owner only, and its missing folder (0600 in 0700). Raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def writing_engine(path: Path) -> Engine:
    """For the writer thread: every transaction is ``BEGIN IMMEDIATE``, durable when it commits."""
    engine = _engine(path, _WRITER_PRAGMAS)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(path: Path) -> Engine:
    """For queries: each statement sees what is committed by then, and can't write."""
    return _engine(path, _READER_PRAGMAS)


def offline_engine(path: Path) -> Engine:
    """For a proof: one snapshot for all of it, never writes, also opens a file in a folder that can't be written."""

    def connect() -> sqlite3.Connection:
        return _opened(path)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


def _opened(path: Path) -> sqlite3.Connection:
    connection = _connected(path, "mode=ro")
    try:
        connection.execute("PRAGMA schema_version").close()
    except sqlite3.Error as error:
        connection.close()
        if not _shut(error) or path.with_name(path.name + "-wal").exists():
            raise
        return _connected(path, "immutable=1")  # no room for SQLite's side files, and nothing in them to miss
    return connection


def _shut(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _engine(path: Path, pragmas: tuple[str, ...]) -> Engine:
    # isolation_level None: the sqlite3 module begins no transaction by itself, in any version of Python.
    arguments = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=arguments)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        try:
            prepared_by(connection, pragmas)
        except sqlite3.Error:
            connection.close()
            raise

    event.listen(engine, "connect", prepare)
    return engine


def prepared_by(connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
    """Set them. Where another connection turns the file to WAL just now, SQLite does not wait by itself: we do."""
    until = time.monotonic() + BUSY_SECONDS
    left = list(pragmas)
    while left:
        try:
            connection.execute(f"PRAGMA {left[0]}").close()
            left.pop(0)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


@contextmanager
def immediate(connection: Connection) -> Iterator[None]:
    """A transaction on the writer's connection, begun and ended by the driver: SQLAlchemy takes as long to begin and
    end one as SQLite does. Statements of SQLAlchemy inside join it."""
    driver = plain(connection)
    driver.execute("BEGIN IMMEDIATE").close()
    try:
        yield
        driver.execute("COMMIT").close()
    finally:
        if driver.in_transaction:
            driver.execute("ROLLBACK").close()
        if connection.in_transaction():
            connection.rollback()  # its own account of the transaction, which is over


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    if not plain(connection).in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

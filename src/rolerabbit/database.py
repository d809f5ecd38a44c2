"""Applies and undoes migrations: each in its own transaction, one runner at a time, never waiting long for a lock.

A migration without a transaction is noted as begun before its first statement and as finished after its last, so that
one that stopped half-way is seen, cleaned up and finished by the next `up`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from rolerabbit.config import CONNECT_TIMEOUT_S
from rolerabbit.migrate import (
    Migration,
    MigrationError,
    Standing,
    concurrent_index,
    last_applied,
    pending,
    standing,
    statements,
)

Connection = psycopg.Connection[tuple[Any, ...]]

ADVISORY_LOCK: Final = 0x52524D47
"""The key of the advisory lock that keeps two runners apart."""
LOCK_TIMEOUT_MS: Final = 2_000
ATTEMPTS: Final = 3

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version varchar(128) PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    statements_done integer
);
ALTER TABLE schema_migrations
    ADD COLUMN IF NOT EXISTS started_at timestamptz,
    ADD COLUMN IF NOT EXISTS finished_at timestamptz,
    ADD COLUMN IF NOT EXISTS statements_done integer"""
_MARKED: Final = """
SELECT version, to_jsonb(m) ->> 'started_at' IS NOT NULL AND to_jsonb(m) ->> 'finished_at' IS NULL
FROM public.schema_migrations m"""
_INDEX: Final = """
SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %s AND c.relnamespace = 'public'::regnamespace"""
_OWN_TABLES: Final = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname"""
_BEGIN: Final = """
INSERT INTO schema_migrations AS m (version, started_at, statements_done) VALUES (%s, now(), 0)
ON CONFLICT (version) DO UPDATE SET statements_done = coalesce(m.statements_done, 0)
RETURNING statements_done"""
_HOLDER: Final = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def status(url: str, migrations: Sequence[Migration]) -> tuple[Standing, ...]:
    """Where every migration stands. Reads only: an empty database gets no table from it."""
    with connect(url) as connection:
        return standing(migrations, *_marked(connection))


def up(url: str, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Apply what is pending and return it. What was applied before a failure stays applied."""
    with _only_runner(url) as connection:
        connection.execute(_TABLE)
        due = pending(migrations, _marked(connection)[0])
        for migration in due:
            if migration.transactional:
                _run(connection, migration, migration.up, _mark)
            else:
                _step_up(connection, migration)
        return due


def down(url: str, migrations: Sequence[Migration]) -> Migration:
    """Undo the last applied migration and return it; raises `MigrationError` where that can't be done."""
    with _only_runner(url) as connection:
        migration = last_applied(migrations, *_marked(connection))
        if migration.transactional:
            _run(connection, migration, migration.down, _unmark)
        else:
            _step_down(connection, migration)
        return migration


def reset(url: str, environment: str) -> tuple[str, ...]:
    """Drop every table of the public schema and return their names; refused outside development."""
    if environment != "development":
        raise MigrationError(
            f"reset destroys all data and is refused: RR_ENV is {environment!r}. "
            f"On a development database, set RR_ENV=development"
        )
    with _only_runner(url) as connection, connection.transaction():
        names = tuple(str(row[0]) for row in connection.execute(_OWN_TABLES))
        for name in names:
            connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier("public", name)))
        return names


def connect(url: str) -> Connection:
    """An autocommit connection that names itself as the maintenance tool."""
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="rolerabbit-db",
        prepare_threshold=None,
    )


@contextmanager
def _only_runner(url: str) -> Iterator[Connection]:
    with connect(url) as connection:
        connection.execute(sql.SQL("SET lock_timeout = {}").format(LOCK_TIMEOUT_MS))
        got = connection.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone()
        if got is None or not got[0]:
            raise MigrationError(_who_holds(connection))
        yield connection


def _who_holds(connection: Connection) -> str:
    pids = ", ".join(str(row[0]) for row in connection.execute(_HOLDER, [ADVISORY_LOCK]))
    return f"another migration is running (session {pids or 'just ended'}): wait for it, then try again"


def _marked(connection: Connection) -> tuple[frozenset[str], frozenset[str]]:
    """The versions that are applied, and those that were begun and not finished."""
    there = connection.execute("SELECT to_regclass('public.schema_migrations') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return frozenset(), frozenset()
    rows = connection.execute(_MARKED).fetchall()
    return frozenset(str(v) for v, half in rows if not half), frozenset(str(v) for v, half in rows if half)


def _step_up(connection: Connection, migration: Migration) -> None:
    found = connection.execute(_BEGIN, [migration.version]).fetchone()
    already = int(found[0]) if found is not None else 0
    steps = statements(migration.up)
    for number, statement in enumerate(steps[already:], already + 1):
        try:
            if not _there_already(connection, statement):
                connection.execute(statement.encode())
        except psycopg.OperationalError as error:
            if not isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
                raise
            raise _stopped(migration, number, len(steps), error) from error
        except psycopg.Error as error:
            raise _stopped(migration, number, len(steps), error) from error
        connection.execute(
            "UPDATE schema_migrations SET statements_done = %s WHERE version = %s", [number, migration.version]
        )
    connection.execute(
        "UPDATE schema_migrations SET finished_at = now(), applied_at = now() WHERE version = %s", [migration.version]
    )


def _there_already(connection: Connection, statement: str) -> bool:
    """Whether the statement's index is there and whole; what an attempt that failed left of it is dropped."""
    name = concurrent_index(statement)
    found = connection.execute(_INDEX, [name]).fetchone() if name is not None else None
    if name is None or found is None:
        return False
    if not found[0]:
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier("public", name)))
    return bool(found[0])


def _stopped(migration: Migration, number: int, count: int, error: psycopg.Error) -> MigrationError:
    return MigrationError(
        f"{migration.label} stopped half-way, at statement {number} of {count}: {str(error).strip()}. "
        f"Once the cause is gone, `rolerabbit db up` cleans up and finishes it, `rolerabbit db down` undoes it"
    )


def _step_down(connection: Connection, migration: Migration) -> None:
    for statement in statements(migration.down):
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            raise MigrationError(f"{migration.label}: undoing it stopped at {statement!r}: {error}") from error
    _unmark(connection, migration.version)


def _run(connection: Connection, migration: Migration, script: str, note: Callable[[Connection, str], None]) -> None:
    label = migration.label
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(script.encode())
                note(connection, migration.version)
        except psycopg.errors.LockNotAvailable as error:
            if attempt == ATTEMPTS:
                raise MigrationError(f"{label}: a table stayed locked through {ATTEMPTS} attempts: {error}") from error
            time.sleep(0.2 * attempt)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise MigrationError(f"{label} failed and was undone: {str(error).strip()}") from error
        else:
            return


def _mark(connection: Connection, version: str) -> None:
    connection.execute(
        "INSERT INTO schema_migrations (version, started_at, finished_at) VALUES (%s, now(), now())", [version]
    )


def _unmark(connection: Connection, version: str) -> None:
    connection.execute("DELETE FROM schema_migrations WHERE version = %s", [version])

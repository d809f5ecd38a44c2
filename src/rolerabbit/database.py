"""Applies and undoes migrations: each in its own transaction, one runner at a time, never waiting long for a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from rolerabbit.config import CONNECT_TIMEOUT_S
from rolerabbit.migrate import Migration, MigrationError, Standing, last_applied, pending, standing

Connection = psycopg.Connection[tuple[Any, ...]]

ADVISORY_LOCK: Final = 0x52524D47
"""The key of the advisory lock that keeps two runners apart."""
LOCK_TIMEOUT_MS: Final = 2_000
ATTEMPTS: Final = 3

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version varchar(128) PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_OWN_TABLES: Final = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname"""
_HOLDER: Final = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def status(url: str, migrations: Sequence[Migration]) -> tuple[Standing, ...]:
    """Where every migration stands. Reads only: an empty database gets no table from it."""
    with connect(url) as connection:
        return standing(migrations, _applied(connection))


def up(url: str, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Apply what is pending and return it. What was applied before a failure stays applied."""
    with _only_runner(url) as connection:
        connection.execute(_TABLE)
        due = pending(migrations, _applied(connection))
        for migration in due:
            _run(connection, migration, migration.up, _mark)
        return due


def down(url: str, migrations: Sequence[Migration]) -> Migration:
    """Undo the last applied migration and return it; raises `MigrationError` where that can't be done."""
    with _only_runner(url) as connection:
        migration = last_applied(migrations, _applied(connection))
        _run(connection, migration, migration.down, _unmark)
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


def _applied(connection: Connection) -> frozenset[str]:
    there = connection.execute("SELECT to_regclass('public.schema_migrations') IS NOT NULL").fetchone()
    if there is None or not there[0]:
        return frozenset()
    return frozenset(str(row[0]) for row in connection.execute("SELECT version FROM public.schema_migrations"))


def _run(connection: Connection, migration: Migration, script: str, note: Callable[[Connection, str], None]) -> None:
    label = f"{migration.version}_{migration.name}"
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
    connection.execute("INSERT INTO schema_migrations (version) VALUES (%s)", [version])


def _unmark(connection: Connection, version: str) -> None:
    connection.execute("DELETE FROM schema_migrations WHERE version = %s", [version])

"""The tables of procrastinate: there, and of the library's newest schema, or brought to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from procrastinate.schema import SchemaManager
from psycopg import Connection

from hutch.queue.queries import query


def newest() -> str:
    """The last migration that the installed library brings."""
    return _migrations()[-1].stem


def current(connection: Connection[Any]) -> bool:
    """Whether the tables are there and no migration is missing. One of a newer library serves an older one too."""
    there, last = connection.execute(query("queue_schema")).fetchone() or (False, None)
    indexed = connection.execute(query("has_due_indexes")).fetchone() == (True,)
    return bool(there) and indexed and (last or "") >= newest()


def prepare(connection: Connection[Any]) -> None:
    """Make the tables, or run the migrations that are missing, in the transaction of ``connection``."""
    there, last = connection.execute(query("queue_schema")).fetchone() or (False, None)
    if not there:
        connection.execute(SchemaManager.get_schema())
    else:
        for migration in _migrations():
            if migration.stem > (last or ""):
                connection.execute(migration.read_text(encoding="utf-8").encode())
    connection.execute(query("due_indexes"))
    connection.execute(query("mark_queue_schema"), {"newest": newest()})


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))

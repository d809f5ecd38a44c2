"""The jobs of a database, all of them, for moving a store from one kind of database to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from psycopg import Connection
from psycopg.rows import dict_row

from hutch.ports import Job
from hutch.queue.queries import query
from hutch.queue.rows import is_timer, row_of, taken_from
from hutch.queue.schema import current, prepare

ALIVE_SECONDS = 10.0
"""A worker that was heard so lately may be at work: an idle one is heard every 5 seconds."""

Kept = tuple[Job, int, bool]

__all__ = ["count", "current", "prepare", "put", "read", "workers"]


def workers(connection: Connection[Any]) -> int:
    """How many workers are alive."""
    return _number(connection, "workers_alive", seconds=ALIVE_SECONDS)


def count(connection: Connection[Any]) -> int:
    """How many jobs there are, whatever their state."""
    return _number(connection, "count_jobs")


def read(connection: Connection[Any]) -> Iterator[Kept]:
    """Every job, how often it was taken, and whether it was given up; those first."""
    with connection.cursor("jobs", row_factory=dict_row) as cursor:
        for row in cursor.execute(query("all_jobs")):
            taken = taken_from(row)
            yield taken.job, taken.attempts - 1 + is_timer(row), row["status"] == "failed"


def put(connection: Connection[Any], kept: list[Kept]) -> None:
    """Add jobs; those that were given up stay so."""
    manager, now = JobManager(SyncPsycopgConnector()), datetime.now(UTC)
    for dead in (True, False):
        rows = [row_of(job, now, tries) for job, tries, given_up in kept if given_up == dead]
        added = manager.batch_defer_jobs(rows, connection=connection) if rows else []
        if dead:
            for row in added:
                connection.execute(query("drop"), {"id": row.id})


def _number(connection: Connection[Any], name: str, **values: object) -> int:
    row = connection.execute(query(name), values).fetchone()
    return int(row[0]) if row else 0

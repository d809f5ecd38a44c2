"""Makes or migrates a database. Apart, so that only one that needs it pays for Alembic."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import NullPool, create_engine

from hutch import __version__
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import REVISIONS, QueueSchema, revision
from hutch.store.upgrade import POSTGRES
from hutch.store.upgrade import upgrade as run_migrations


def upgrade(conninfo: str, place: str, queue: QueueSchema) -> None:
    """Bring log and queue up to date in one transaction, one process at a time; harmless where nothing is missing."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool)
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(query("migrating"))
        driver.execute(query("make_schema"))
        if revision(driver, place) != REVISIONS[-1]:
            run_migrations(connection, POSTGRES)
        if not queue.current(driver):
            queue.prepare(driver)
        driver.execute(query("made_by"), {"version": __version__})

"""Makes or migrates a database. Apart, so that only one that needs it pays for Alembic."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import NullPool, create_engine

from hutch import __version__
from hutch.store import revisions
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import QueueSchema, check_upgrade, revision
from hutch.store.upgrade import POSTGRES
from hutch.store.upgrade import upgrade as run_migrations


def upgrade(conninfo: str, place: str, queue: QueueSchema) -> None:
    """Bring log and queue up to date in one transaction, one process at a time; harmless where nothing is missing."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool)
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(query("migrating"))
        driver.execute(query("make_schema"))
        before, history = revision(driver, place), revisions.SERVER
        if before != history.own:
            check_upgrade(driver, place)
            run_migrations(connection, POSTGRES)
        if not queue.current(driver):
            queue.prepare(driver)
        if before != history.own:
            told = {"version": __version__, "serves": " ".join(history.serves.get(history.own, ()))}
            driver.execute(query("made_by"), told)

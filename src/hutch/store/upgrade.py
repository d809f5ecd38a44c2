"""Brings a store to the newest schema. Apart from ``schema``, so that only one that needs it pays for Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

SQLITE, POSTGRES = Path(__file__).with_name("migrations"), Path(__file__).with_name("postgres") / "migrations"
"""The two histories: a file holds its own jobs, a server's are the queue's affair."""


def alembic_config(connection: Connection | None = None, scripts: Path = SQLITE) -> Config:
    """Alembic's configuration for packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, scripts: Path = SQLITE) -> None:
    """Run the missing migrations inside the transaction that ``connection`` is in."""
    command.upgrade(alembic_config(connection, scripts), "head")

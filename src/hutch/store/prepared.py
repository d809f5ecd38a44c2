"""Statements of SQLAlchemy Core made into SQLite's text once, for the few that every step of a run pays for."""

from __future__ import annotations

import sqlite3

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="named")


def prepared(statement: ClauseElement) -> str:
    """The text of ``statement``; a bound value ``stream`` is given as ``:stream``."""
    return str(statement.compile(dialect=_DIALECT))


def plain(connection: Connection) -> sqlite3.Connection:
    """The driver's connection: what runs on it belongs to the transaction that ``connection`` is in."""
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver

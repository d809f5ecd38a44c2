"""Which schema a file has, and what to do about it."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects.sqlite import insert

from hutch import __version__
from hutch.store.errors import StoreError
from hutch.store.tables import meta

REVISIONS = ("0001",)
"""Every schema revision that this version can read or upgrade from, oldest first; the last one is current."""


def ensure_current(reader: Engine, writer: Engine, path: Path) -> None:
    """Migrate the file if it is new or old. Raises :class:`StoreError` if it isn't ours or is too new."""
    with reader.connect() as connection:
        if _revision(connection, path) == REVISIONS[-1]:
            return
    with writer.begin() as connection:
        if _revision(connection, path) != REVISIONS[-1]:  # another process may have been quicker
            _upgrade(connection)


def check_current(connection: Connection, path: Path) -> None:
    """For readers that may not migrate: raises :class:`StoreError` unless the file has the current schema."""
    found = _revision(connection, path)
    if found != REVISIONS[-1]:
        what = f"holds schema {found or 'none'}, and this is for schema {REVISIONS[-1]}"
        raise StoreError(what, path, "start `hutch serve` on it once to bring it up to date")


def _revision(connection: Connection, path: Path) -> str:
    tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    if not tables:
        return ""
    if not {"meta", "events", "alembic_version"} <= tables:
        raise StoreError("a database of some other program", path, "name another file for Hutch's store")
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    if found not in REVISIONS:
        maker = connection.scalar(text("SELECT value FROM meta WHERE key = 'made_by'"))
        what = f"made by a newer version (Hutch {maker}, schema {found}); this is Hutch {__version__}"
        raise StoreError(what, path, f"install Hutch {maker} or newer")
    return str(found)


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes a third of a second: only a new or an old file pays for it.
    importlib.import_module("hutch.store.upgrade").upgrade(connection)
    made_by = insert(meta).values(key="made_by", value=__version__)
    connection.execute(made_by.on_conflict_do_update(index_elements=["key"], set_={"value": __version__}))

"""Which schema a file has, and what to do about it."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.sqlite import insert

from hutch import __version__
from hutch.store import revisions
from hutch.store.engine import offline_engine
from hutch.store.errors import StoreError, explaining
from hutch.store.owner import others
from hutch.store.tables import meta


def ensure_current(reader: Engine, writer: Engine, path: Path) -> None:
    """Migrate the file if it is new or old. Raises :class:`StoreError` if it isn't ours or is too new."""
    with reader.connect() as connection:
        if _revision(connection, path) == revisions.FILE.own:
            return
    with writer.begin() as connection:
        if _revision(connection, path) != revisions.FILE.own:  # another process may have been quicker
            revisions.FILE.check_upgrade(_at_work(connection, path), path)
            _upgrade(connection)


def check_current(connection: Connection, path: Path) -> None:
    """For readers that may not migrate: raises :class:`StoreError` unless the file has the current schema."""
    found = _revision(connection, path)
    if found != revisions.FILE.own:
        what = f"holds schema {found or 'none'}, and this is for schema {revisions.FILE.own}"
        raise StoreError(what, path, "start `hutch serve` on it once to bring it up to date")


def check_served(path: Path) -> None:
    """Raises :class:`StoreError` for a file that this version can't work on."""
    engine = offline_engine(path)
    try:
        with explaining(path), engine.connect() as connection:
            check_current(connection, path)
    finally:
        engine.dispose()


def _revision(connection: Connection, path: Path) -> str:
    tables = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    if not tables:
        return ""
    if not {"meta", "events", "alembic_version"} <= tables:
        raise StoreError("a database of some other program", path, "name another file for Hutch's store")
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    return revisions.FILE.worked_on(_found(connection, found), path)


def _found(connection: Connection, revision: str) -> revisions.Found:
    told = {row.key: row.value for row in connection.execute(select(meta))}
    return revisions.Found(revision, told.get("made_by", ""), told.get("serves"))


def _at_work(connection: Connection, path: Path) -> dict[str, str]:
    """Processes do not tell their version: each may be of any that the file serves."""
    before, alive = _revision(connection, path), ", ".join(others(path.parent))
    if not before or not alive:
        return {}
    return dict.fromkeys((before, *_found(connection, before).served), alive)


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes a third of a second: only a new or an old file pays for it.
    importlib.import_module("hutch.store.upgrade").upgrade(connection)
    served = " ".join(revisions.FILE.serves.get(revisions.FILE.own, ()))
    for key, value in {"made_by": __version__, "serves": served}.items():
        told = insert(meta).values(key=key, value=value)
        connection.execute(told.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

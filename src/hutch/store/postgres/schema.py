"""Which schema a database has, and bringing it up to date."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection

from hutch.store import revisions
from hutch.store.errors import StoreError
from hutch.store.postgres.errors import Reported, explained
from hutch.store.postgres.queries import query
from hutch.store.postgres.server import SCHEMA, SESSION, place_of, session_conninfo

OLDEST_SERVER = 140000
"""Postgres 14: the oldest that its makers still keep up."""


class QueueSchema:
    """The tables of the queue in the same database: how they stand, and how they are brought up to date."""

    def __init__(self, current: Callable[[Connection[Any]], bool], prepare: Callable[[Connection[Any]], None]) -> None:
        self.current, self.prepare = current, prepare


def ensure_current(conninfo: str, place: str, queue: QueueSchema) -> None:
    """Migrate the database if it is new or old; connects once.

    Raises :class:`StoreError` if it isn't ours or is too new, ``StoreAway`` when it can't be reached.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            _check_server(connection, place)
            if revision(connection, place) == revisions.SERVER.own and queue.current(connection):
                return
        # Importing Alembic takes a third of a second: only a new or an old database pays for it.
        importlib.import_module("hutch.store.postgres.upgrade").upgrade(conninfo, place, queue)
    except Reported as error:
        raise explained(place, error) from error


def check_current(connection: Connection[Any], place: str) -> None:
    """For readers that may not migrate: raises :class:`StoreError` unless the database has the current schema."""
    found = revision(connection, place)
    if found != revisions.SERVER.own:
        what = f"holds schema {found or 'none'}, and this is for schema {revisions.SERVER.own}"
        raise StoreError(what, place, "start `hutch serve` on it once to bring it up to date")


def check_served(url: str) -> None:
    """Raises :class:`StoreError` for a database that this version can't work on, ``StoreAway``; connects once."""
    place = place_of(url)
    try:
        with psycopg.connect(session_conninfo(url), autocommit=True) as connection:
            check_current(connection, place)
    except Reported as error:
        raise explained(place, error) from error


def _check_server(connection: Connection[Any], place: str) -> None:
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise StoreError(f"Postgres {version // 10000} is too old", place, f"use {OLDEST_SERVER // 10000} or newer")
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding != ("UTF8",):
        raise StoreError(f"its encoding is {(encoding or ('unknown',))[0]}", place, "make the database with UTF8")


def revision(connection: Connection[Any], place: str) -> str:
    """The database's revision; empty where there is nothing of ours. Raises :class:`StoreError`."""
    ours, any_table = connection.execute(query("has_tables")).fetchone() or (False, False)
    if not ours:
        if any_table:
            what = f"its schema {SCHEMA} holds tables of some other program"
            raise StoreError(what, place, "name another database for Hutch's store")
        return ""
    found, maker, serves = connection.execute(query("revision")).fetchone() or ("", "", "")
    return revisions.SERVER.worked_on(revisions.Found(found, maker, serves), place)


def check_upgrade(connection: Connection[Any], place: str) -> None:
    """Raises :class:`StoreError` while a Hutch works on it that could not after the upgrade."""
    at_work = {name.removeprefix(SESSION): where for name, where in connection.execute(query("at_work")).fetchall()}
    revisions.SERVER.check_upgrade(at_work, place)

"""How the store on a server stands, for ``hutch doctor``: looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import namedtuple_row

from hutch.store import revisions
from hutch.store.postgres.errors import Reported, explained
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import revision
from hutch.store.postgres.server import place_of, session_conninfo


@dataclass(frozen=True, slots=True)
class Standing:
    """What was seen. ``revision`` is empty for a database that has no store yet; then only the server was looked at.

    ``owns``: this login could take the log's guard away. ``guarded``: the guard stands.
    """

    place: str
    version: str
    login: str
    revision: str = ""
    current: bool = False
    owns: bool = False
    appends: bool = False
    guarded: bool = False
    queue_current: bool = False
    size: str = ""


def look(url: str, queue_current: Callable[[Connection[Any]], bool]) -> Standing:
    """Raises ``StoreAway`` when it can't be reached, ``StoreError`` when it is not ours."""
    place = place_of(url)
    try:
        with psycopg.connect(session_conninfo(url), autocommit=True) as connection:
            return _seen(connection, place, queue_current)
    except Reported as error:
        raise explained(place, error) from error


def _seen(connection: Connection[Any], place: str, queue_current: Callable[[Connection[Any]], bool]) -> Standing:
    found = revision(connection, place)
    if not found:
        info = connection.info
        return Standing(place, info.parameter_status("server_version") or "", info.user)
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        row: Any = cursor.execute(query("standing")).fetchone()
    return Standing(
        place,
        row.version,
        row.login,
        found,
        found == revisions.SERVER.own,
        row.superuser or row.owner,
        row.appends,
        row.guarded,
        queue_current(connection),
        row.size,
    )

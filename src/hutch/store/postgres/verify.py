"""The offline proof of a whole log on a server, in constant memory and one snapshot: it reads, and never writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import namedtuple_row

from hutch.store.chain import event_from
from hutch.store.postgres.errors import Reported, explained
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import check_current
from hutch.store.postgres.server import place_of, session_conninfo
from hutch.store.proof import Report, missing, prove_streams

_CHUNK = 500


def verify_database(url: str) -> Report:
    """Prove every stream of the log at ``url``, and that no event is missing from its end.

    The first break of each stream is reported. Raises ``StoreError`` when it holds no store, ``StoreAway``.
    """
    report, place = Report(), place_of(url)
    try:
        with psycopg.connect(session_conninfo(url)) as connection:
            connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
            check_current(connection, place)
            prove(connection, report)
    except Reported as error:
        raise explained(place, error) from error
    return report


def prove(connection: Connection[Any], report: Report) -> None:
    """The proof of what stands in the transaction of ``connection``."""
    count, newest, given = connection.execute(query("proof_end")).fetchone() or (0, 0, 0)
    prove_streams(_rows(connection), event_from, report)
    report.breaks[:0] = missing(count, newest, given, report.archived)


def _rows(connection: Connection[Any]) -> Iterator[Any]:
    with connection.cursor("proof", row_factory=namedtuple_row) as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(query("proof"))
        yield from cursor

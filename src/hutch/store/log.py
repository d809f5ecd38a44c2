"""The statements of the event log. Each takes the connection of a transaction and decides nothing about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from hutch.model.event import ARCHIVED, ERASED, Event, canonical, instant
from hutch.ports import Append, Place
from hutch.store.chain import EMPTY, Head, by_stream, continued, event_from, row_of
from hutch.store.prepared import plain, prepared
from hutch.store.tables import events

_FIELDS = [column for column in events.c if column.name != "position"]
_INSERT = prepared(insert(events).values({column: bindparam(column.name) for column in _FIELDS}))
_HEAD = prepared(
    select(events.c.seq, events.c.hash).where(events.c.stream == bindparam("stream")).order_by(events.c.seq.desc())
)

_PLACES = prepared(
    select(events.c.position, events.c.stream, events.c.seq)
    .where(events.c.position > bindparam("after"))
    .order_by(events.c.position)
)

_NAMES = func.json_each(bindparam("names")).table_valued("value")  # a list of values is bounded, and compiled each time
_STREAMS = prepared(
    select(*_FIELDS).where(events.c.stream.in_(select(_NAMES.c.value))).order_by(events.c.stream, events.c.seq)
)


def append_all(connection: Connection, appends: Sequence[Append], at: datetime) -> list[Event]:
    """Seal, stream after stream, and insert all at once. Raises ``Conflict`` when an ``expect`` does not hold."""
    ends: dict[str, Head] = {}
    written: list[Event] = []
    for append in appends:
        events = continued(append, ends.get(append.stream) or _head(connection, append.stream), at)
        ends |= {event.stream: (event.seq, event.hash) for event in events[-1:]}
        written += events
    if written:
        plain(connection).executemany(_INSERT, [row_of(event) for event in written]).close()
    return written


def _head(connection: Connection, stream: str) -> Head:
    with closing(plain(connection).execute(_HEAD, {"stream": stream})) as newest_first:
        newest: Head | None = newest_first.fetchone()
    return newest or EMPTY


def read_stream(connection: Connection, stream: str, after: int) -> list[Event]:
    """The stream's events behind ``after``, in order."""
    query = select(*_FIELDS).where(events.c.stream == stream, events.c.seq > after).order_by(events.c.seq)
    return [event_from(row) for row in connection.execute(query)]


def read_streams(connection: Connection, streams: Sequence[str]) -> list[list[Event]]:
    """The events of each of these streams."""
    found = connection.exec_driver_sql(_STREAMS, {"names": json.dumps(list(streams))})
    return by_stream(map(event_from, found), streams)


def stream_names(connection: Connection, prefix: str) -> list[str]:
    """The streams that begin with ``prefix``, oldest first. One whose beginning was cut has a mark for it."""
    first = (events.c.seq == 1) | (events.c.kind == ARCHIVED)
    query = select(events.c.stream).where(first, events.c.stream >= prefix)
    before = events.c.stream < prefix + "\U0010ffff"  # no name continues with the last code point: it is no character
    return list(dict.fromkeys(connection.scalars(query.where(before).order_by(events.c.position))))


def read_since(connection: Connection, kind: str, at: datetime) -> list[Event]:
    """The events of one kind, in any stream, that were written at or after ``at``, in writing order."""
    query = select(*_FIELDS).where(events.c.kind == kind, events.c.at >= instant(at)).order_by(events.c.position)
    return [event_from(row) for row in connection.execute(query)]


def read_tail(connection: Connection, position: int, limit: int) -> list[tuple[int, Event]]:
    """Up to ``limit`` events of all streams behind ``position``, in writing order."""
    query = select(events).where(events.c.position > position).order_by(events.c.position).limit(limit)
    return [(row.position, event_from(row)) for row in connection.execute(query)]


def read_places(connection: Connection, position: int, limit: int) -> list[Place]:
    """Where the events behind ``position`` stand, in writing order."""
    with closing(plain(connection).execute(_PLACES, {"after": position})) as rows:
        return [Place(*row) for row in rows.fetchmany(limit)]


def erase(connection: Connection, stream: str, seq: int) -> bool:
    """Replace an event's data by ``ERASED`` and drop its salt; False when there is no such event."""
    place = (events.c.stream == stream) & (events.c.seq == seq)
    blank = update(events).where(place).values(data=canonical(dict(ERASED)), salt="")
    return connection.execute(blank).rowcount == 1


def positions(connection: Connection, stream: str) -> list[int]:
    """Where the stream's events stand, in order."""
    return list(connection.scalars(select(events.c.position).where(events.c.stream == stream).order_by(events.c.seq)))


def cut(connection: Connection, stream: str, upto: int) -> int:
    """Take out events 1 to ``upto``; nothing where no mark stands behind them."""
    mark = events.alias()
    behind = select(mark.c.seq).where(mark.c.stream == stream, mark.c.seq == upto + 1, mark.c.kind == ARCHIVED)
    gone = delete(events).where(events.c.stream == stream, events.c.seq <= upto, behind.exists())
    return connection.execute(gone).rowcount


def put_back(connection: Connection, rows: Sequence[tuple[int, Event]]) -> int:
    """Put them to their positions; those that are there stay."""
    there = {p for stream in {e.stream for _, e in rows} for p in positions(connection, stream)}
    new = [{"position": position, **row_of(event)} for position, event in rows if position not in there]
    if new:
        connection.execute(insert(events), new)
    return len(new)

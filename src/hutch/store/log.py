"""The statements of the event log. Each takes the connection of a transaction and decides nothing about it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from hutch.model.event import ERASED, GENESIS, Draft, Event, canonical, instant, parse_instant, seal
from hutch.ports import Append, Conflict
from hutch.store.prepared import plain, prepared
from hutch.store.tables import events

_FIELDS = [column for column in events.c if column.name != "position"]
_INSERT = prepared(insert(events).values({column: bindparam(column.name) for column in _FIELDS}))
_HEAD = prepared(
    select(events.c.seq, events.c.hash).where(events.c.stream == bindparam("stream")).order_by(events.c.seq.desc())
)


def settle(data: Mapping[str, object]) -> dict[str, object]:
    """``data`` as reading it back will give it. Raises ``TypeError`` for what JSON can't hold."""
    settled: dict[str, object] = json.loads(canonical(dict(data)))
    return settled


def settled(appends: Sequence[Append]) -> list[Append]:
    """The appends with their drafts' data in the form that is hashed, stored and returned."""
    return [replace(append, drafts=tuple(_settled(draft) for draft in append.drafts)) for append in appends]


def _settled(draft: Draft) -> Draft:
    return replace(draft, data=settle(draft.data))


def append_all(connection: Connection, appends: Sequence[Append], at: datetime) -> list[Event]:
    """Seal and insert, stream after stream. Raises ``Conflict`` when an ``expect`` does not hold."""
    return [event for append in appends for event in _append(connection, append, at)]


def _append(connection: Connection, append: Append, at: datetime) -> list[Event]:
    seq, prev_hash = _head(connection, append.stream)
    if append.expect is not None and append.expect != seq:
        raise Conflict(f"{append.stream} ends at event {seq}, not at {append.expect}: read it again and decide again")
    written: list[Event] = []
    for number, draft in enumerate(append.drafts, start=seq + 1):
        salt = secrets.token_hex(16)
        event = seal(draft, stream=append.stream, seq=number, at=at, salt=salt, prev_hash=prev_hash)
        prev_hash = event.hash
        written.append(event)
    if written:
        plain(connection).executemany(_INSERT, [_row(event) for event in written]).close()
    return written


def _head(connection: Connection, stream: str) -> tuple[int, str]:
    with closing(plain(connection).execute(_HEAD, {"stream": stream})) as newest_first:
        newest: tuple[int, str] | None = newest_first.fetchone()
    return newest or (0, GENESIS)


def read_stream(connection: Connection, stream: str, after: int) -> list[Event]:
    """The stream's events behind ``after``, in order."""
    query = select(*_FIELDS).where(events.c.stream == stream, events.c.seq > after).order_by(events.c.seq)
    return [event_from(row) for row in connection.execute(query)]


def stream_names(connection: Connection, prefix: str) -> list[str]:
    """The streams that begin with ``prefix``, oldest first."""
    query = select(events.c.stream).where(events.c.seq == 1, events.c.stream >= prefix)
    before = events.c.stream < prefix + "\U0010ffff"  # no name continues with the last code point: it is no character
    return list(connection.scalars(query.where(before).order_by(events.c.position)))


def read_since(connection: Connection, kind: str, at: datetime) -> list[Event]:
    """The events of one kind, in any stream, that were written at or after ``at``, in writing order."""
    query = select(*_FIELDS).where(events.c.kind == kind, events.c.at >= instant(at)).order_by(events.c.position)
    return [event_from(row) for row in connection.execute(query)]


def read_tail(connection: Connection, position: int, limit: int) -> list[tuple[int, Event]]:
    """Up to ``limit`` events of all streams behind ``position``, in writing order."""
    query = select(events).where(events.c.position > position).order_by(events.c.position).limit(limit)
    return [(row.position, event_from(row)) for row in connection.execute(query)]


def erase(connection: Connection, stream: str, seq: int) -> bool:
    """Replace an event's data by ``ERASED`` and drop its salt; False when there is no such event."""
    place = (events.c.stream == stream) & (events.c.seq == seq)
    blank = update(events).where(place).values(data=canonical(dict(ERASED)), salt="")
    return connection.execute(blank).rowcount == 1


def event_from(row: Row[tuple[object, ...]]) -> Event:
    """The event in a row. Raises ``ValueError`` when its time or data were made unreadable."""
    data = json.loads(row.data)
    if not isinstance(data, dict):
        raise ValueError("data is not an object")
    at = parse_instant(row.at)
    places = (row.stream, row.seq, at, row.actor, row.kind, data)
    return Event(*places, row.salt, row.data_hash, row.prev_hash, row.hash)


def _row(event: Event) -> dict[str, object]:
    return {
        "stream": event.stream,
        "seq": event.seq,
        "at": instant(event.at),
        "actor": event.actor,
        "kind": event.kind,
        "data": canonical(event.data),
        "salt": event.salt,
        "data_hash": event.data_hash,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
    }

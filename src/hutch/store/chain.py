"""How drafts become events, and events rows, whatever the database is: the same bytes everywhere.

So a log can move from one kind of store to another, and its hashes still prove it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hutch.model.event import GENESIS, Draft, Event, Settled, canonical, instant, parse_instant, seal, text_of
from hutch.ports import Append, Conflict

Head = tuple[int, str]
"""The ``seq`` and ``hash`` of a stream's last event."""

EMPTY: Head = (0, GENESIS)
"""Where a stream ends that has no event yet."""


def settle(data: Mapping[str, object]) -> Settled:
    """``data`` as reading it back will give it. Raises ``TypeError`` for what JSON can't hold."""
    text = canonical(dict(data))
    read_back = json.loads(text)
    # once more where they differ: keys that were no texts may now sort otherwise
    return Settled(read_back, text if read_back == data else canonical(read_back))


def settled(appends: Sequence[Append]) -> list[Append]:
    """The appends with their drafts' data in the form that is hashed, stored and returned."""
    return [Append(append.stream, tuple(map(_settled, append.drafts)), append.expect) for append in appends]


def _settled(draft: Draft) -> Draft:
    return Draft(draft.kind, settle(draft.data), draft.actor)


def continued(append: Append, head: Head, at: datetime) -> list[Event]:
    """The drafts sealed behind ``head``. Raises ``Conflict`` when the stream does not end where it was expected to."""
    seq, prev_hash = head
    if append.expect is not None and append.expect != seq:
        raise Conflict(f"{append.stream} ends at event {seq}, not at {append.expect}: read it again and decide again")
    written: list[Event] = []
    for number, draft in enumerate(append.drafts, start=seq + 1):
        salt = secrets.token_hex(16)
        event = seal(draft, stream=append.stream, seq=number, at=at, salt=salt, prev_hash=prev_hash)
        prev_hash = event.hash
        written.append(event)
    return written


def lost_lease(job: int) -> Conflict:
    """What a commit is answered that finishes a job which it does not hold."""
    return Conflict(f"job {job} is not ours any more: its lease was lost, and another may be doing it")


def event_from(row: Any) -> Event:
    """The event in a row, whose fields are attributes. Raises ``ValueError`` when its time or data are unreadable."""
    data = json.loads(row.data)
    if not isinstance(data, dict):
        raise ValueError("data is not an object")
    at = parse_instant(row.at)
    places = (row.stream, row.seq, at, row.actor, row.kind, data)
    return Event(*places, row.salt, row.data_hash, row.prev_hash, row.hash)


def by_stream(events: Iterable[Event], streams: Sequence[str]) -> list[list[Event]]:
    """The events of each of ``streams``, which come in the order of each."""
    found: dict[str, list[Event]] = {stream: [] for stream in streams}
    for event in events:
        found[event.stream].append(event)
    return [found[stream] for stream in streams]


def row_of(event: Event) -> dict[str, object]:
    """The row of an event, without its position."""
    return {
        "stream": event.stream,
        "seq": event.seq,
        "at": instant(event.at),
        "actor": event.actor,
        "kind": event.kind,
        "data": text_of(event.data),
        "salt": event.salt,
        "data_hash": event.data_hash,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
    }

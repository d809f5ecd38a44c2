"""Events and the hash chain that proves that none was altered, removed or reordered (DESIGN §5).

An event's hash covers its place, time, actor, kind and the *digest* of its data, not the data: so the data
that a law makes us erase can go, and the chain still proves the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

GENESIS = "0" * 64
"""The ``prev_hash`` of a stream's first event."""

ERASED: Mapping[str, object] = {"erased": True}
"""What stands in place of data that was erased on purpose."""

ARCHIVED = "events.archived"
"""A mark: the events before it in its stream lie in an archive, see :mod:`hutch.model.archive`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is not yet written: what happened, and who did it."""

    kind: str
    data: Mapping[str, object] = field(default_factory=dict)
    actor: str = "hutch"


@dataclass(frozen=True, slots=True)
class Event:
    """One written event; ``(stream, seq)`` is unique and ``seq`` counts from 1 without gaps."""

    stream: str
    seq: int
    at: datetime
    actor: str
    kind: str
    data: Mapping[str, object]
    salt: str
    data_hash: str
    prev_hash: str
    hash: str

    def as_dict(self) -> dict[str, object]:
        """The JSON form that people and tools read; the chain's fields are included."""
        return {
            "stream": self.stream,
            "seq": self.seq,
            "at": instant(self.at),
            "actor": self.actor,
            "kind": self.kind,
            "data": dict(self.data),
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain fails and why."""

    stream: str
    seq: int
    reason: str


def instant(at: datetime) -> str:
    """An aware time as ISO 8601 in UTC with microseconds and ``Z``: sorts as text, hashes stably."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse_instant(text: str) -> datetime:
    """The inverse of :func:`instant`; also takes any ISO 8601 time with an offset."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write for example 2026-01-15T10:00:00Z")
    return at.astimezone(UTC)


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: the same value always gives the same text."""
    return _encode(value)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""Made once: ``json.dumps`` makes an encoder for each call."""


class Settled(dict[str, object]):
    """Data as it is stored, with its canonical ``text`` beside it, which is hashed and stored. It is never changed."""

    __slots__ = ("text",)

    def __init__(self, data: Mapping[str, object], text: str) -> None:
        super().__init__(data)
        self.text = text


def text_of(data: Mapping[str, object]) -> str:
    """The canonical text of data; what is settled has it, whatever was read is written anew."""
    return data.text if isinstance(data, Settled) else canonical(dict(data))


def data_digest(salt: str, data: Mapping[str, object]) -> str:
    """SHA-256 over salt and data; the salt keeps short data from being guessed after erasure."""
    return hashlib.sha256((salt + text_of(data)).encode()).hexdigest()


def chain_digest(event: Event) -> str:
    """What ``event.hash`` must be, from its own fields."""
    return _place_digest(
        [event.stream, event.seq, instant(event.at), event.actor, event.kind, event.data_hash, event.prev_hash]
    )


def _place_digest(place: list[object]) -> str:
    return hashlib.sha256(canonical(place).encode()).hexdigest()


def seal(draft: Draft, *, stream: str, seq: int, at: datetime, salt: str, prev_hash: str) -> Event:
    """The written form of ``draft`` at its place in the chain."""
    digest = data_digest(salt, draft.data)
    whole = _place_digest([stream, seq, instant(at), draft.actor, draft.kind, digest, prev_hash])
    return Event(stream, seq, at, draft.actor, draft.kind, draft.data, salt, digest, prev_hash, whole)


def find_break(events: Iterable[Event], *, archived: bool = False) -> Break | None:
    """The first break of ONE stream's chain, given in order from its first event; None if it is intact.

    ``archived``: it may begin with a mark that proves how many events were before it, and the hash of the last.
    """
    expected_seq, prev = 1, GENESIS
    for event in events:
        if archived and expected_seq == 1 and _stands_for_earlier(event):
            expected_seq, prev = event.seq, event.prev_hash
        reason = _fault(event, expected_seq, prev)
        if reason:
            return Break(event.stream, event.seq, reason)
        expected_seq, prev = event.seq + 1, event.hash
    return None


def _stands_for_earlier(event: Event) -> bool:
    told = (event.data.get("events"), event.data.get("last"))
    return event.kind == ARCHIVED and event.seq > 1 and told == (event.seq - 1, event.prev_hash)


def _fault(event: Event, expected_seq: int, prev: str) -> str:
    if event.seq != expected_seq:
        return f"expected event {expected_seq}, found {event.seq}: an event is missing"
    if event.prev_hash != prev:
        return "does not continue the event before it"
    if event.hash != chain_digest(event):
        return "its place, time, actor or kind was altered"
    if dict(event.data) != dict(ERASED) and event.data_hash != data_digest(event.salt, event.data):
        return "its data was altered"
    return ""

"""What the log keeps of events that lie in an archive: a mark at the end of each stream, which its chain proves. Pure.

The events before a mark may be taken out of the store: the mark says how many they were, the hashes of the first and
the last, and which archive, with which digest, holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import ARCHIVED, ERASED, Event, instant, parse_instant

RESTORED = "events.restored"
"""They are back in the store."""

HELD, RELEASED = "hold.placed", "hold.released"
"""Somebody must keep the incident where it is, or no longer must."""

KINDS = frozenset({ARCHIVED, RESTORED, HELD, RELEASED})


@dataclass(frozen=True, slots=True)
class Range:
    """Events 1 to ``count`` of a stream, with the hashes of both ends, and where they lie: the ``archive`` of that name
    in ``place``, whose clear text has that SHA-256."""

    stream: str
    count: int
    first: str
    last: str
    archive: str
    place: str
    sha256: str

    def holds(self, events: Sequence[Event]) -> bool:
        """Whether these are its two ends, and as many."""
        ends = events and (events[0].hash, events[-1].hash) == (self.first, self.last)
        return bool(ends) and len(events) == self.count

    def as_data(self) -> dict[str, object]:
        """As it stands in the mark."""
        return {"events": self.count, "first": self.first, "last": self.last, "archive": self.archive,
                "place": self.place, "sha256": self.sha256}  # fmt: skip


def range_of(event: Event) -> Range | None:
    """What a mark says; None for another event, or a mark whose data is gone."""
    if event.kind != ARCHIVED or event.data == ERASED:
        return None
    texts = [str(event.data.get(name, "")) for name in ("first", "last", "archive", "place", "sha256")]
    return Range(event.stream, event.seq - 1, *texts)


def newest(events: Iterable[Event]) -> Range | None:
    """Where the events of this stream lie; None where they are in the store, or were brought back."""
    found: Range | None = None
    for event in events:
        if event.kind in (ARCHIVED, RESTORED):
            found = range_of(event)
    return found


@dataclass(frozen=True, slots=True)
class Archived:
    """Where an incident lies since when, and how many events that are."""

    archive: str
    place: str
    sha256: str
    events: int
    at: datetime


def archived(event: Event) -> Archived | None:
    """The same for people; None where it was brought back."""
    kept = range_of(event)
    return Archived(kept.archive, kept.place, kept.sha256, kept.count, event.at) if kept else None


def is_stub(events: Sequence[Event]) -> bool:
    """Whether a mark is all that is left of the beginning."""
    return bool(events) and events[0].kind == ARCHIVED


def told_time(data: Mapping[str, object], name: str) -> datetime | None:
    """A time that a mark tells; None where it tells none.

    >>> told_time({"at": "2026-01-15T10:00:00Z"}, "at").year, told_time({}, "at")
    (2026, None)
    """
    value = data.get(name)
    return parse_instant(str(value)) if value else None


def as_time(at: datetime | None) -> str | None:
    """The inverse."""
    return instant(at) if at else None

"""The timeline: an incident's events and those of its runs, in the order of time, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.review.reading import Told, option_titles
from hutch.review.sentences import reads_in_one, sentence

FOLDED = frozenset({"statement.finished", "check.finished"})
"""Kinds of which a row is told in one sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. ``text`` is plain text; ``stream`` and ``seq`` say which event it is
    (the last of those that a folded line tells)."""

    at: datetime
    actor: str
    kind: str
    text: str
    stream: str
    seq: int

    @property
    def link(self) -> str:
        """Where the event can be found again: ``run:R1#12``."""
        return f"{self.stream}#{self.seq}"


def timeline(
    incident_events: Sequence[Event], run_journals: Sequence[Sequence[Event]] = (), *, zone: tzinfo = UTC
) -> tuple[Entry, ...]:
    """All streams merged by time; within a stream the order of writing stands, even if a clock went backwards.

    Rows of reads and of checks are told in one line each. Times inside sentences are on the clocks of ``zone``.
    """
    streams = [retold(incident_events), *map(retold, run_journals)]
    keyed = (pair for place, events in enumerate(streams) for pair in _keyed(place, tuple(events), zone))
    return tuple(entry for _, entry in sorted(keyed, key=lambda pair: pair[0]))


def _keyed(place: int, events: tuple[Event, ...], zone: tzinfo) -> Iterator[tuple[tuple[datetime, int, int], Entry]]:
    latest = datetime.min.replace(tzinfo=UTC)
    for entry in _entries(events, zone):
        latest = max(latest, entry.at)
        yield (latest, place, entry.seq), entry


def _entries(events: tuple[Event, ...], zone: tzinfo) -> Iterator[Entry]:
    titles = option_titles(events)
    for row, started in _rows(events):
        last = row[-1]
        words = sentence(Told(last, titles, zone)) if len(row) == 1 else reads_in_one(row, started)
        yield Entry(last.at, last.actor, last.kind, words, last.stream, last.seq)


def _rows(events: tuple[Event, ...]) -> Iterator[tuple[tuple[Event, ...], Event | None]]:
    """Events one by one, but reads (or checks) in a row together, with the start of the first of them."""
    row: list[Event] = []
    started: Event | None = None
    for event in events:
        if event.kind == "statement.output":
            continue  # what a step said while it ran; its end tells the whole
        if event.kind == "statement.started":
            started = started or event
            continue
        if row and event.kind != row[0].kind:
            yield tuple(row), started
            row, started = [], None
        row.append(event)
        if event.kind not in FOLDED:
            yield (event,), None
            row, started = [], None
    if row:
        yield tuple(row), started

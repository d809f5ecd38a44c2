"""Proves chains from rows, stream by stream, in constant memory; where the rows come from is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from hutch.model.archive import Range, range_of
from hutch.model.erasure import KIND as ERASING
from hutch.model.event import ERASED, Break, Event, find_break

WHOLE_LOG = "*"
"""Stands as the stream of a :class:`Break` that concerns the store or the log as a whole; ``seq`` is a position."""

Sound = Callable[[Any], Event]
"""Makes the event of a row. Raises ``ValueError`` or ``TypeError`` for one that holds none any more."""


@dataclass(slots=True)
class Report:
    """What the proof found. The log is intact when ``breaks`` is empty.

    ``erased`` counts the events whose data was erased on purpose: the chain proves that they were there, no more.
    ``archived`` counts those that lie in archives: the chain proves how many they are, and the hash of the last.
    """

    streams: int = 0
    events: int = 0
    erased: int = 0
    archived: int = 0
    ranges: list[Range] = field(default_factory=list)  # where those lie that are not in the store
    breaks: list[Break] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)  # what says who erased what, and why

    def __iter__(self) -> Iterator[Break]:
        """Its breaks."""
        return iter(self.breaks)

    @property
    def intact(self) -> bool:
        """Whether nothing was altered, removed or reordered."""
        return not self.breaks


class _Unreadable(Exception):
    """A row that holds no event any more."""

    def __init__(self, row: Any, reason: str) -> None:
        super().__init__(reason)
        self.found = Break(str(row.stream), row.seq if isinstance(row.seq, int) else 0, reason)


def prove_streams(rows: Iterable[Any], sound: Sound, report: Report) -> None:
    """Prove every stream of ``rows``, which come ordered by stream and ``seq``; the first break of each is reported."""
    for stream, own in groupby(rows, key=lambda row: row.stream):
        report.streams += 1
        report.breaks.extend(_stream_break(str(stream), own, sound, report))


def missing(count: int, newest: int, given: int, archived: int = 0) -> Iterator[Break]:
    """Positions are given out without gaps and never twice: fewer events than positions means that some went."""
    end = max(given, newest)
    if count + archived != end:
        lie = f", {archived} lie in archives" if archived else ""
        left = f"{end} events were written and {count} are there{lie}: {end - count - archived} are missing"
        yield Break(WHOLE_LOG, end, left)


def _stream_break(stream: str, rows: Iterator[Any], sound: Sound, report: Report) -> Iterator[Break]:
    try:
        found = find_break(_events(rows, sound, report), archived=True)
    except _Unreadable as unreadable:
        found = unreadable.found
    if found:
        yield Break(stream, found.seq, found.reason)
    report.events += sum(1 for _ in rows)  # what follows the break


def _events(rows: Iterator[Any], sound: Sound, report: Report) -> Iterator[Event]:
    first = True
    for row in rows:
        report.events += 1
        try:
            event = sound(row)
        except (ValueError, TypeError) as error:
            raise _Unreadable(row, f"it can't be read: {error}") from error
        report.erased += event.data == ERASED
        if first:
            first = False
            _begins(event, report)
        if event.kind == ERASING:
            report.told.append(event)
        yield event


def _begins(event: Event, report: Report) -> None:
    """What was before a mark that begins a stream lies in an archive."""
    kept = range_of(event) if event.seq > 1 else None
    if kept:
        report.archived += kept.count
        report.ranges.append(kept)

"""Proves chains from rows, stream by stream, in constant memory; where the rows come from is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

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
    """

    streams: int = 0
    events: int = 0
    erased: int = 0
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


def missing(count: int, newest: int, given: int) -> Iterator[Break]:
    """Positions are given out without gaps and never twice: fewer events than positions means that some went."""
    end = max(given, newest)
    if count != end:
        yield Break(WHOLE_LOG, end, f"{end} events were written and {count} are there: {end - count} are missing")


def _stream_break(stream: str, rows: Iterator[Any], sound: Sound, report: Report) -> Iterator[Break]:
    try:
        found = find_break(_events(rows, sound, report))
    except _Unreadable as unreadable:
        found = unreadable.found
    if found:
        yield Break(stream, found.seq, found.reason)
    report.events += sum(1 for _ in rows)  # what follows the break


def _events(rows: Iterator[Any], sound: Sound, report: Report) -> Iterator[Event]:
    for row in rows:
        report.events += 1
        try:
            event = sound(row)
        except (ValueError, TypeError) as error:
            raise _Unreadable(row, f"it can't be read: {error}") from error
        report.erased += event.data == ERASED
        if event.kind == ERASING:
            report.told.append(event)
        yield event

"""Signals over time at a bounded size: bins of three lengths, each a ring. Pure.

Looks of the last hour, minutes of the last day, ten minutes of the last 30 days. What has no data has no bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ring:
    """Bins of one length, of which so many are kept."""

    step: timedelta
    count: int

    @property
    def span(self) -> timedelta:
        """How far back it reaches."""
        return self.step * self.count

    @property
    def milliseconds(self) -> int:
        """The length of a bin; at least one."""
        return max(round(self.step.total_seconds() * 1000), 1)

    def start(self, at: datetime) -> int:
        """The beginning of the bin that ``at`` is in: milliseconds since 1970."""
        return _milliseconds(at) // self.milliseconds * self.milliseconds

    def slot(self, start: int) -> int:
        """The place of that bin in the ring."""
        return start // self.milliseconds % self.count


RINGS = (
    Ring(timedelta(seconds=5), 720),
    Ring(timedelta(minutes=1), 1440),
    Ring(timedelta(minutes=10), 4320),
)
"""The finest first."""


def rings(time_scale: float = 1.0) -> tuple[Ring, ...]:
    """The rings where time is compressed."""
    return tuple(Ring(ring.step / time_scale, ring.count) for ring in RINGS)


@dataclass(frozen=True, slots=True)
class Bin:
    """The values of one bin, which begins at ``start`` (milliseconds since 1970)."""

    start: int
    count: int
    total: float
    low: float
    high: float
    last: float

    @property
    def at(self) -> datetime:
        """When it begins."""
        return datetime.fromtimestamp(self.start / 1000, UTC)

    @property
    def mean(self) -> float:
        """The mean of its values."""
        return self.total / self.count

    def plus(self, other: Bin) -> Bin:
        """With the values of a later one of the same time."""
        return replace(
            self,
            count=self.count + other.count,
            total=self.total + other.total,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            last=other.last,
        )


def first(start: int, value: float) -> Bin:
    """A bin of one value."""
    return Bin(start, 1, value, value, value, value)


@dataclass(frozen=True, slots=True)
class Track:
    """A signal between two times: bins of one length in order; where one is missing there was no data."""

    step: timedelta
    bins: tuple[Bin, ...] = ()


def fitting(found: Sequence[Ring], start: datetime, now: datetime, most: int = 1500) -> Ring:
    """The finest ring that reaches back to ``start`` and has at most so many bins from there to ``now``."""
    able = (r for r in found if now - start <= r.span and (now - start) / r.step <= most)
    return next(able, found[-1])


def merged(bins: Iterable[Bin], length: timedelta) -> list[Bin]:
    """Fewer bins, each of ``length``: for a table that people read."""
    ring, out = Ring(length, 1), list[Bin]()
    for one in bins:
        start = one.start // ring.milliseconds * ring.milliseconds
        moved = replace(one, start=start)
        if out and out[-1].start == start:
            out[-1] = out[-1].plus(moved)
        else:
            out.append(moved)
    return out


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class Samples(Protocol):
    """What signals were, at a bounded size. Not part of the log: the last seconds may be lost, and nothing waits."""

    async def record(self, service: str, at: datetime, values: Mapping[str, float]) -> None:
        """Remember what the signals of a service are now. Never raises for the store's sake."""

    async def read(self, service: str, signal: str, start: datetime, end: datetime) -> Track:
        """A signal between two times, as fine as it was kept; without bins where nothing was, or can be read."""

    async def close(self) -> None:
        """Write what is pending and let go."""

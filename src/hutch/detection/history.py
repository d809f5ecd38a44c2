"""A bounded memory of scraped samples, and the windows that signals are computed over."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from hutch.model.action import Sample

CUMULATIVE = frozenset({"counter", "histogram", "bucket"})
"""Sample kinds whose values only grow until their process restarts."""

KEEP = timedelta(minutes=10)
"""Twice the longest window of the built-in signals."""

POINTS = 1024
"""Points kept for each series: ten minutes at two scrapes a second do not fill it."""

SERIES = 20_000
"""Series kept for each history: a label without bounds must not fill the memory."""

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, str, Labels]  # source, metric, labels


@dataclass(frozen=True, slots=True)
class Point:
    """One value at one time."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The points of one series inside a window, oldest first, never empty."""

    labels: Mapping[str, str]
    kind: str
    points: tuple[Point, ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1].value

    @property
    def span(self) -> float:
        """Seconds between the first and the last point."""
        return (self.points[-1].at - self.points[0].at).total_seconds()

    def increase(self) -> float | None:
        """How much a counter grew; None with fewer than two points.

        A value below the one before it is a restart, counted from zero, as in Prometheus' ``increase``; unlike
        there nothing is extrapolated to the window's edges.
        """
        return increase(self.points) if len(self.points) > 1 else None


def increase(points: Sequence[Point]) -> float:
    """The growth of a counter over ``points``, in time order, restarts counted from zero."""
    values = [point.value for point in points]
    steps = pairwise(values)
    return math.fsum(new - old if new >= old else new for old, new in steps)


@dataclass(slots=True)
class Series:
    """A bounded ring of one series' points."""

    kind: str
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=POINTS))

    def add(self, point: Point) -> None:
        """Append; a point that is not newer than the last is ignored (a scrape delivered twice)."""
        if not self.points or point.at > self.points[-1].at:
            self.points.append(point)

    def between(self, start: datetime, end: datetime) -> tuple[Point, ...]:
        """The points from ``start`` to ``end``, both included."""
        return tuple(p for p in self.points if start <= p.at <= end)


class History:
    """The recent samples of one service, from one or several sources.

    Two sources may report the same metric (the service itself and its platform). They are never added up: a window
    takes the first source, in order of arrival, that has points in it. A counter that appears while its metric was
    already being scraped started at zero: its first value counts.
    """

    def __init__(self, keep: timedelta = KEEP) -> None:
        self.keep = keep
        self.dropped = 0
        self._series: dict[Key, Series] = {}
        self._scraped: dict[tuple[str, str], datetime] = {}
        self._sources: list[str] = []

    def add(self, samples: Iterable[Sample], source: str = "") -> None:
        """Remember one scrape. Samples that are not finite numbers (other than a bucket's bound) are left out."""
        if source not in self._sources:
            self._sources.append(source)
        taken = [sample for sample in samples if math.isfinite(sample.value)]
        for sample in taken:
            self._take(sample, source)
        for sample in taken:
            known = self._scraped.get((source, sample.name), sample.at)
            self._scraped[source, sample.name] = max(known, sample.at)
        if taken:
            self._forget(max(sample.at for sample in taken))

    def window(self, metric: str, now: datetime, length: timedelta) -> list[Slice]:
        """The series of ``metric`` with points in the last ``length``, of the first source that has any."""
        return next((slices for slices in self.windows(metric, now, length) if slices), [])

    def windows(self, metric: str, now: datetime, length: timedelta) -> list[list[Slice]]:
        """The same of every source, in order of arrival."""
        return [self._of(source, metric, now - length, now) for source in self._sources]

    def _of(self, source: str, metric: str, start: datetime, end: datetime) -> list[Slice]:
        mine = ((key, series) for key, series in self._series.items() if key[:2] == (source, metric))
        cut = ((key, series, series.between(start, end)) for key, series in mine)
        return [Slice(dict(key[2]), series.kind, points) for key, series, points in cut if points]

    def _take(self, sample: Sample, source: str) -> None:
        key = (source, sample.name, tuple(sorted(sample.labels.items())))
        series = self._series.get(key) or self._begin(key, sample)
        if series is not None:
            series.add(Point(sample.at, sample.value))

    def _begin(self, key: Key, sample: Sample) -> Series | None:
        if len(self._series) >= SERIES:
            self.dropped += 1
            return None
        series = self._series[key] = Series(sample.kind)
        before = self._scraped.get(key[:2])
        if sample.kind in CUMULATIVE and before is not None and before < sample.at:
            series.add(Point(before, 0.0))
        return series

    def _forget(self, now: datetime) -> None:
        """Drop points, and series that ended, before ``keep``."""
        oldest = now - self.keep
        for key, series in list(self._series.items()):
            while series.points and series.points[0].at < oldest:
                series.points.popleft()
            if not series.points:
                del self._series[key]

"""A bounded memory of scraped samples, and the windows that signals are computed over."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hutch.detection.growth import Point, rate
from hutch.model.action import Sample

CUMULATIVE = frozenset({"counter", "histogram", "bucket"})
"""Sample kinds whose values only grow until their process restarts."""

KEEP = timedelta(minutes=10)
"""Twice the longest window of the built-in signals."""

POINTS = 1024
"""Points kept for each series: ten minutes at two scrapes a second do not fill it."""

SERIES = 20_000
"""Series kept for each history: a label without bounds must not fill the memory."""

KNOWN = 200_000
"""Series that are remembered (as a number each) after their points are gone."""

HANDED_ON = 20_000
"""Points that are handed on at the most; where there are more, the last of each series are, which rates go on from."""

Labels = tuple[tuple[str, str], ...]
Place = tuple[str, str]  # source, metric


@dataclass(frozen=True, slots=True)
class Slice:
    """The points of one series inside a window from ``start`` to ``end``, oldest first, never empty."""

    labels: Mapping[str, str]
    kind: str
    points: tuple[Point, ...]
    start: datetime
    end: datetime

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1].value

    def rate(self) -> float | None:
        """The growth of a counter a second, as Prometheus' ``rate``; None with fewer than two points."""
        return rate(self.points, self.start, self.end)


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
    takes the first source, in order of arrival, that has points in it. A counter that appears for the first time while
    its metric was already being scraped started at zero: its first value counts (Prometheus does not count it).
    ``wanted`` names the metrics that somebody asks for; without it all are kept.
    """

    def __init__(self, keep: timedelta = KEEP, wanted: frozenset[str] | None = None) -> None:
        self.keep = keep
        self.wanted = wanted
        self.dropped = 0
        self._series: dict[Place, dict[Labels, Series]] = {}
        self._count = 0
        self._known: set[int] = set()
        self._scraped: dict[Place, datetime] = {}
        self._sources: list[str] = []

    def add(self, samples: Iterable[Sample], source: str = "") -> None:
        """Remember one scrape."""
        if source not in self._sources:
            self._sources.append(source)
        taken = [sample for sample in samples if self.wanted is None or sample.name in self.wanted]
        for sample in taken:
            self._take(sample, source)
        for sample in taken:
            known = self._scraped.get((source, sample.name), sample.at)
            self._scraped[source, sample.name] = max(known, sample.at)
        if taken:
            self._forget(max(sample.at for sample in taken))

    def has(self, source: str) -> bool:
        """Whether that source gave anything that is still kept."""
        return any(place[0] == source for place in self._series)

    def handed_on(self, since: datetime) -> list[Any]:
        """What another process needs of this to go on: the points since then, as JSON; nothing where it is too much."""
        every = [(p, labels, s) for p, mine in self._series.items() for labels, s in mine.items()]
        cut = [[point for point in s.points if point.at >= since] for _, _, s in every]
        if sum(map(len, cut)) > HANDED_ON:
            cut = [points[-2:] for points in cut]
        if sum(map(len, cut)) > HANDED_ON:
            return []
        return [
            [*place, series.kind, dict(labels), [[point.at.timestamp(), point.value] for point in points]]
            for (place, labels, series), points in zip(every, cut, strict=True)
            if points
        ]

    def take_up(self, told: Sequence[Any]) -> None:
        """Go on from what another process handed on. Raises ``ValueError`` or ``TypeError`` for what is none.

        That a metric was scraped before is not taken over: a series that was not handed on would count from zero.
        """
        for source, metric, kind, labels, points in told:
            self._sources += [source] if source not in self._sources else []
            for at, value in points:
                when = datetime.fromtimestamp(at, UTC)
                self._take(Sample(str(metric), dict(labels), float(value), when, str(kind)), str(source))

    def metrics(self) -> frozenset[str]:
        """The names of what is kept."""
        return frozenset(place[1] for place in self._series)

    def window(self, metric: str, now: datetime, length: timedelta) -> list[Slice]:
        """The series of ``metric`` with points in the last ``length``, of the first source that has any."""
        return next((slices for slices in self.windows(metric, now, length) if slices), [])

    def windows(self, metric: str, now: datetime, length: timedelta) -> list[list[Slice]]:
        """The same of every source, in order of arrival."""
        return [self._of((source, metric), now - length, now) for source in self._sources]

    def _of(self, place: Place, start: datetime, end: datetime) -> list[Slice]:
        mine = self._series.get(place, {}).items()
        cut = ((labels, series, series.between(start, end)) for labels, series in mine)
        return [Slice(dict(labels), series.kind, points, start, end) for labels, series, points in cut if points]

    def _take(self, sample: Sample, source: str) -> None:
        place, labels = (source, sample.name), tuple(sorted(sample.labels.items()))
        series = self._series.get(place, {}).get(labels) or self._begin(place, labels, sample)
        if series is not None:
            series.add(Point(sample.at, sample.value))

    def _begin(self, place: Place, labels: Labels, sample: Sample) -> Series | None:
        if self._count >= SERIES:
            self.dropped += 1
            return None
        self._count += 1
        series = self._series.setdefault(place, {})[labels] = Series(sample.kind)
        before = self._scraped.get(place)
        if self._is_new(place, labels) and sample.kind in CUMULATIVE and before is not None and before < sample.at:
            series.add(Point(before, 0.0))
        return series

    def _is_new(self, place: Place, labels: Labels) -> bool:
        """Whether this series was never seen; false where too many are known to tell."""
        number = hash((place, labels))
        new = number not in self._known and len(self._known) < KNOWN
        if new:
            self._known.add(number)
        return new

    def _forget(self, now: datetime) -> None:
        """Drop points, and series that ended, before ``keep``."""
        oldest = now - self.keep
        for place, mine in list(self._series.items()):
            for labels, series in list(mine.items()):
                while series.points and series.points[0].at < oldest:
                    series.points.popleft()
                if not series.points:
                    del mine[labels]
                    self._count -= 1
            if not mine:
                del self._series[place]

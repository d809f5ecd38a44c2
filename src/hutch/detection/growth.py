"""How much counters grew, as Prometheus computes it: restarts counted from zero, extrapolated to the window's edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Point:
    """One value at one time."""

    at: datetime
    value: float


def increase(points: Sequence[Point]) -> float:
    """The growth of a counter over ``points``, in time order, without extrapolation.

    A value below the one before it is a restart: what was counted before it stands.
    """
    drops = math.fsum(old.value for old, new in pairwise(points) if new.value < old.value)
    return points[-1].value - points[0].value + drops


def rate(points: Sequence[Point], start: datetime, end: datetime) -> float | None:
    """The growth a second over the window from ``start`` to ``end``; None with fewer than two points.

    The algorithm of Prometheus' ``rate`` (promql/functions.go, ``extrapolatedRate``): the growth is extended to the
    window's edges, to each by no more than half the usual gap between points when the edge is further than 1.1 gaps,
    and never to before the time at which the counter would have been zero.
    """
    if len(points) < 2:
        return None
    grown, first, last = increase(points), points[0], points[-1]
    span = (last.at - first.at).total_seconds()
    gap = span / (len(points) - 1)
    before = (first.at - start).total_seconds()
    if grown > 0 and first.value >= 0:
        before = min(before, span * (first.value / grown))
    after = (end - last.at).total_seconds()
    reached = span + _reach(before, gap) + _reach(after, gap)
    return grown * (reached / span / (end - start).total_seconds())


def _reach(distance: float, gap: float) -> float:
    return distance if distance < gap * 1.1 else gap / 2

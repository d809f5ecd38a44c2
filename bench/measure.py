"""Interleaved rounds and what is said of their samples. Pure: whoever calls brings the clock.

A time by itself says more about the machine than about the program. So everything is a ratio to a floor, the bare thing
done right beside it in the same round; noise hits both, and the spread over the rounds says how far to believe it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log
from statistics import linear_regression, median


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some samples, where the lowest and highest tenth end, and how many there were."""

    median: float
    p10: float
    p90: float
    samples: int

    def as_dict(self) -> dict[str, float | int]:
        """The report's form, to four significant digits."""
        rounded = {name: significant(getattr(self, name)) for name in ("median", "p10", "p90")}
        return {**rounded, "samples": self.samples}


def spread(samples: Sequence[float]) -> Spread:
    """Raises ``ValueError`` without a sample: nothing was measured, and nothing must be said."""
    if not samples:
        raise ValueError("no samples: nothing was measured")
    return Spread(median(samples), percentile(samples, 10), percentile(samples, 90), len(samples))


def percentile(samples: Sequence[float], part: float) -> float:
    """The value below which ``part`` percent of the samples lie, interpolated between neighbours."""
    ordered = sorted(samples)
    place = (len(ordered) - 1) * part / 100
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def significant(value: float, digits: int = 4) -> float:
    """``value`` with so many significant digits: more would be noise."""
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True, slots=True)
class Goal:
    """The ratio must not exceed ``most``. It is said, never enforced: a slow or busy machine is no defect."""

    most: float

    def word(self, ratio: float) -> str:
        """``goal ≤ 3: met``."""
        return f"goal ≤ {self.most:g}: {'met' if ratio <= self.most else 'missed'}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the report: ``value`` is how many times the floor it is.

    ``parts`` are the measured quantities behind it (unit in the name); ``floor`` says what the bare thing was.
    """

    name: str
    floor: str
    value: Spread
    goal: Goal | None = None
    parts: Mapping[str, Spread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """Cost against size: what one thing costs where so much is there.

    ``size`` and ``cost`` name both, ``cost`` with its unit; ``points`` are sizes above 0, each with what was measured.
    """

    name: str
    size: str
    cost: str
    points: tuple[tuple[float, Spread], ...]

    @property
    def slope(self) -> float:
        """The exponent of growth, by least squares over the logarithms: at 0 size costs nothing, at 1 twice as much
        costs twice as much. ``ValueError`` with fewer than two sizes.
        """
        sizes, costs = zip(*((log(size), log(found.median)) for size, found in self.points), strict=True)
        return linear_regression(sizes, costs).slope


Measured = Mapping[int, Sequence[float]] | Mapping[float, Sequence[float]]
"""The samples at each size."""


def line(name: str, size: str, cost: str, rounds: Measured) -> Line:
    """The line through what was measured at each size."""
    return Line(name, size, cost, tuple((at, spread(found)) for at, found in sorted(rounds.items())))


@dataclass(frozen=True, slots=True)
class Figure:
    """What one module measured: ratios, cost against size, and what is said without a ratio."""

    name: str
    title: str
    how: str
    ratios: tuple[Ratio, ...]
    facts: Mapping[str, str | int | float]
    lines: tuple[Line, ...] = ()


Round = Mapping[str, float]


def per_round(rounds: Sequence[Round], ratio: Callable[[Round], float]) -> Spread:
    """The ratio of each round by itself, so that what slowed a whole round cancels out."""
    return spread([ratio(r) for r in rounds])


def parts(rounds: Sequence[Round], *names: str) -> dict[str, Spread]:
    """The spread of each named quantity over the rounds."""
    return {name: spread([r[name] for r in rounds]) for name in names}


def interleave(rounds: int, cases: Mapping[str, Callable[[], float]]) -> list[dict[str, float]]:
    """Every case once a round, forwards in one and backwards in the next, so that none always goes first."""
    names = list(cases)
    found = []
    for number in range(rounds):
        order = names if number % 2 == 0 else names[::-1]
        done = {name: cases[name]() for name in order}
        found.append({name: done[name] for name in names})
    return found

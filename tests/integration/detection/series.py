"""Series as services and their scrapes make them: gaps, restarts, stale markers, values that are no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from hutch.detection.signals import SIGNALS, Measure, SignalSpec
from hutch.model.alert import Condition, Rule
from hutch.model.severity import Severity

STEPS = 90
INTERVAL = 7
"""Seconds between two scrapes; no window is a multiple of it, so that it does not matter whether edges belong to it."""

BOUNDS = ("0.1", "0.5", "1", "2.5", "+Inf")
STALE = "stale"
Value = float | str | None  # a number, a stale marker, nothing


@dataclass(frozen=True, slots=True)
class Raw:
    """One series: a value for each step."""

    metric: str
    labels: dict[str, str]
    kind: str
    values: tuple[Value, ...]

    def numbers(self) -> Iterator[tuple[int, float]]:
        """The steps that have a sample."""
        return ((step, v) for step, v in enumerate(self.values) if isinstance(v, float))


@dataclass(frozen=True, slots=True)
class Case:
    """The series of one service, and rules over one of its signals."""

    service: str
    raw: tuple[Raw, ...]
    rules: tuple[Rule, ...]


def cases(seed: int, count: int) -> list[Case]:
    """So many different ones, over all signals in turn."""
    random, specs = Random(seed), list(SIGNALS.values())
    return [_case(random, f"svc{number}", specs[number % len(specs)]) for number in range(count)]


def _case(random: Random, service: str, spec: SignalSpec) -> Case:
    raw = tuple(_raw(random, spec))
    return Case(service, raw, tuple(_rule(random, service, spec, number) for number in range(3)))


def _rule(random: Random, service: str, spec: SignalSpec, number: int) -> Rule:
    def length(*seconds: int) -> timedelta:
        return timedelta(seconds=random.choice(seconds))

    exact = spec.measure in (Measure.PROBES, Measure.LARGEST, Measure.TOTAL)
    op = random.choice((">", ">=", "<", "<=", "==", "!=") if exact else (">", ">=", "<", "<="))
    return Rule(
        f"{service} rule {number}",
        Condition(spec.name, op, _threshold(random, spec), ""),
        length(0, 7, 10, 35, 70),
        Severity.SEV2,
        service=service,
        keep_firing_for=length(0, 0, 7, 30),
        no_data=random.choice((None, length(0, 20, 60))),
    )


def _threshold(random: Random, spec: SignalSpec) -> float:
    match spec.measure:
        case Measure.SHARE:
            return random.choice((0.0, 5.0137, 20.0137))
        case Measure.PROBES:
            return random.choice((100.0, 50.0))
        case Measure.QUANTILE:
            return random.choice((100.0137, 700.0137, 1500.0137))
        case Measure.RATE:
            return random.choice((1.0137, 5.0137))
        case Measure.MEAN:
            return random.choice((1.0137, 3.0137))
    return random.choice((20.0, 50.0, 80.0))


def _raw(random: Random, spec: SignalSpec) -> Iterable[Raw]:
    match spec.measure:
        case Measure.SHARE | Measure.RATE:
            label, part = ("outcome", "hit") if spec.part[0] == "outcome" else ("status", "503")
            for value, pace in (("200", 40), (part, random.choice((0, 3, 20)))):
                yield Raw(spec.metric, {"path": "/", label: value}, "counter", counter(random, pace))
            yield Raw(spec.metric, {"path": "/metrics", label: part}, "counter", counter(random, 9))
        case Measure.QUANTILE:
            yield from _histogram(random, spec)
        case Measure.MEAN:
            for metric, pace in ((spec.metric, 60), (spec.divisor, 30)):
                yield Raw(metric, {}, "counter", counter(random, pace))
        case Measure.PROBES:
            for place in ("a", "b"):
                up = [float(random.random() < 0.8) for _ in range(STEPS)]
                yield Raw(spec.metric, {"target": place}, "gauge", torn(random, up))
        case _:
            for place in ("a", "b"):
                walk = [float(random.choice((10, 20, 50, 80, 90))) for _ in range(STEPS // 6 + 1)]
                held = [walk[step // 6] for step in range(STEPS)]
                yield Raw(spec.metric, {"place": place}, "gauge", torn(random, held, odd=True))


def _histogram(random: Random, spec: SignalSpec) -> Iterator[Raw]:
    totals = [float(random.randrange(1000, 9000))] * len(BOUNDS)
    rows = []
    for _ in range(STEPS):
        for _ in range(random.choice((0, 5, 20))):
            slow = random.randrange(len(BOUNDS))
            totals = [n + (i >= slow) for i, n in enumerate(totals)]
        if random.random() < 0.02:
            totals = [0.0] * len(BOUNDS)
        rows.append(totals)
    seed = random.random()
    for number, bound in enumerate(BOUNDS):
        same = Random(seed) if random.random() < 0.8 else random  # mostly one scrape fails for all of them
        values = torn(same, [row[number] for row in rows])
        yield Raw(spec.metric, {"path": "/", "le": bound}, "bucket", values)


def counter(random: Random, pace: int) -> tuple[Value, ...]:
    """Grows by up to ``pace`` a step, and starts again from zero now and then."""
    value, values = float(random.randrange(1000, 9000)), []
    for _ in range(STEPS):
        value = 0.0 if random.random() < 0.03 else value + random.randrange(pace + 1)
        values.append(value)
    return torn(random, values, odd=random.random() < 0.3)


def torn(random: Random, values: list[float], *, odd: bool = False) -> tuple[Value, ...]:
    """With gaps, short and longer than a window, some after a stale marker; ``odd``: also values that are none."""
    out: list[Value] = list(values)
    for _ in range(random.randrange(4)):
        start, length = random.randrange(1, STEPS), random.choice((1, 1, 3, 12, 25))
        for step in range(start, min(start + length, STEPS)):
            out[step] = STALE if step == start and random.random() < 0.4 else None
    for _ in range(random.randrange(3) if odd else 0):
        out[random.randrange(1, STEPS)] = math.nan
    return tuple(out)

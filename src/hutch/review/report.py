"""How a team did over a time: how fast, how bad, why, and which promises were kept. From the log alone.

Medians and the 90th percentile (nearest rank) stand beside the means: a few long incidents decide a mean alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.clock import Clock, ClockState
from hutch.model.event import Event
from hutch.review.reading import text
from hutch.review.story import Story, story

STAGES = ("detect", "acknowledge", "diagnose", "mitigate", "resolve")
"""What is timed: ``detect`` counts from the beginning of the trouble, all others from detection."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: ``count`` values, in seconds. None where there is no value."""

    count: int
    mean: float | None
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One incident's figures. ``times``: seconds by stage, only those that are known."""

    id: str
    service: str
    severity: str
    title: str
    detected_at: datetime
    open: bool
    cause: str
    times: Mapping[str, float]
    promises: Mapping[str, str]
    reopened: int


@dataclass(frozen=True, slots=True)
class Noise:
    """One alert rule: how often it fired, in how many incidents, and how many of those ended with nothing done."""

    rule: str
    fired: int
    incidents: int
    without_action: int
    flapped: int


@dataclass(frozen=True, slots=True)
class Use:
    """One runbook: how many runs it had and how they ended."""

    runbook: str
    runs: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. ``promises`` counts by promise and by how it ended; ``overdue`` names what is owed now."""

    since: datetime
    until: datetime
    incidents: tuple[Row, ...]
    times: Mapping[str, Spread]
    by_severity: Mapping[str, int]
    by_service: Mapping[str, int]
    by_cause: Mapping[str, int]
    promises: Mapping[str, Mapping[str, int]]
    overdue: tuple[str, ...]
    noise: tuple[Noise, ...]
    runbooks: tuple[Use, ...]
    archived: int = 0  # of that time, and not counted: they lie in archives


@dataclass(frozen=True, slots=True)
class Told:
    """One incident's events and those of its runs."""

    own: Sequence[Event]
    journals: Sequence[Sequence[Event]] = field(default=())


def report(told: Iterable[Told], since: datetime, until: datetime) -> Report:
    """The report on the incidents detected from ``since`` to before ``until``; what is overdue is so at ``until``."""
    kept = [t for t in told if t.own]
    stories = [(t, story(t.own, t.journals)) for t in kept]
    within = [(t, s) for t, s in stories if since <= s.incident.detected_at < until]
    rows = tuple(row(s, until) for _, s in within)
    return Report(
        since,
        until,
        rows,
        {stage: spread([r.times[stage] for r in rows if stage in r.times]) for stage in STAGES},
        _counted(r.severity for r in rows),
        _counted(r.service for r in rows),
        _counted(r.cause or "not found" for r in rows),
        _promises(rows),
        tuple(f"{r.id} {name}" for r in rows for name, how in r.promises.items() if how == "overdue"),
        tuple(_noise(within)),
        tuple(_runbooks(t.journals for t, _ in within)),
    )


def row(told: Story, now: datetime) -> Row:
    """What the report says of one incident."""
    state = told.incident
    return Row(
        state.id,
        state.service,
        state.severity.label,
        state.title,
        state.detected_at,
        state.open,
        text(told.cause_data, "code"),
        {stage: took.total_seconds() for stage, took in _times(told).items() if took is not None},
        {clock.id: how(clock, now) for clock in state.clocks if clock.state is not ClockState.CANCELLED},
        state.reopened,
    )


def _times(told: Story) -> dict[str, timedelta | None]:
    """Mitigated is what was first verified to help; without a verified change, the resolution."""
    detected = told.incident.detected_at
    first = min((r.verified_at for r in told.remedies if r.verified_at), default=None)
    resolved = told.since_detection(told.resolved)
    return {
        "detect": max(detected - told.began_at, timedelta(0)) if told.incident.began_at else None,
        "acknowledge": told.since_detection(told.acknowledged),
        "diagnose": told.since_detection(told.cause),
        "mitigate": first - detected if first else resolved,
        "resolve": resolved,
    }


def how(clock: Clock, now: datetime) -> str:
    """How a promise stands: ``kept``, ``late``, ``overdue`` or ``running``."""
    if clock.state is ClockState.MET:
        return "late" if clock.late_by else "kept"
    return "overdue" if now >= clock.due else "running"


def spread(values: Sequence[float]) -> Spread:
    """Mean, median and 90th percentile.

    >>> spread([1.0, 2.0, 9.0])
    Spread(count=3, mean=4.0, median=2.0, p90=9.0)
    """
    if not values:
        return Spread(0, None, None, None)
    ranked = sorted(values)
    return Spread(len(ranked), sum(ranked) / len(ranked), _rank(ranked, 0.5), _rank(ranked, 0.9))


def _rank(ranked: Sequence[float], part: float) -> float:
    return ranked[max(math.ceil(part * len(ranked)), 1) - 1]


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Most first, then by name."""
    return dict(sorted(Counter(values).items(), key=lambda kv: (-kv[1], kv[0])))


def _promises(rows: Sequence[Row]) -> dict[str, Mapping[str, int]]:
    found: dict[str, Counter[str]] = {}
    for one in rows:
        for name, ended in one.promises.items():
            found.setdefault(name.rpartition("-")[0], Counter())[ended] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items())}


def _noise(within: Sequence[tuple[Told, Story]]) -> list[Noise]:
    """Alert rules, the noisiest first: those whose incidents end with nothing done."""
    fired: Counter[str] = Counter()
    flapped: Counter[str] = Counter()
    places: dict[str, set[str]] = {}
    idle = {s.incident.id for _, s in within if not s.incident.open and not s.remedies}
    for told, found in within:
        for event in told.own:
            if event.kind == "alert.fired":
                rule = text(event.data, "rule", "(no rule)")
                fired[rule] += 1
                places.setdefault(rule, set()).add(found.incident.id)
            elif event.kind == "alert.flapping":
                flapped[text(event.data, "rule", "(no rule)")] += 1
    rows = [Noise(r, n, len(places[r]), len(places[r] & idle), flapped[r]) for r, n in fired.items()]
    return sorted(rows, key=lambda n: (-n.without_action, -n.fired, n.rule))


def _runbooks(journals: Iterable[Sequence[Sequence[Event]]]) -> list[Use]:
    """Runbooks, the most used first."""
    found: dict[str, Counter[str]] = {}
    for journal in (j for some in journals for j in some if j and j[0].kind == "run.started"):
        name = text(journal[0].data, "document") or text(journal[0].data, "title", "(no document)")
        ends = [text(e.data, "outcome") for e in journal if e.kind == "run.finished"]
        found.setdefault(name, Counter())[ends[-1] if ends else "running"] += 1
    uses = [Use(name, sum(ends.values()), dict(sorted(ends.items()))) for name, ends in found.items()]
    return sorted(uses, key=lambda u: (-u.runs, u.runbook))

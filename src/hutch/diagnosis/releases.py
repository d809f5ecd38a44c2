"""When to roll back, by the runbooks' four reasons: this release's signals against those of the one before it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.diagnosis.verdict import Reason, Verdict
from hutch.model.finding import Cause

ERRORS, SLOWNESS = "error_rate", "p95_response_time"
COMPARED = (ERRORS, SLOWNESS, "request_rate")
"""The signals that are looked at before and after a change."""

LEAST_BINS = 3
"""Values on either side below which nothing is compared."""

BUGS = frozenset({"deploy.bad_release", "app.crashed"})
"""Causes that say that the release itself is broken."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a signal was over some time: the mean, over so many values."""

    mean: float
    count: int


@dataclass(frozen=True, slots=True)
class Sides:
    """A signal before and after a change; None where there was no data."""

    before: Level | None = None
    after: Level | None = None

    @property
    def told(self) -> bool:
        """Whether there are values enough on both sides."""
        return all(side is not None and side.count >= LEAST_BINS for side in (self.before, self.after))


@dataclass(frozen=True, slots=True)
class Bounds:
    """``slower``: % above the p95 before that is too slow. ``errors``: % of the answers, more than before, that are a
    critical bug, provided that they have at least doubled."""

    slower: float = 50.0
    errors: float = 1.0


def reasons(
    signals: Mapping[str, Sides],
    causes: Sequence[Cause],
    checks: Sequence[str],
    bounds: Bounds,
    advisories: Reason | None = None,
) -> list[Reason]:
    """The four, each judged. ``checks`` are the names of the checks that could tell, ``advisories`` is what the reports
    on both releases say, where there are any."""
    return [
        _bug(signals.get(ERRORS, Sides()), causes, bounds.errors),
        _slower(signals.get(SLOWNESS, Sides()), bounds.slower),
        _vulnerable(causes, checks, advisories),
        _of_causes(
            "failed migration",
            causes,
            "migration.failed",
            _has(checks, "migrations."),
            "no check of migrations could look",
        ),
    ]


def _has(checks: Sequence[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in checks)


def _bug(sides: Sides, causes: Sequence[Cause], more: float) -> Reason:
    broken = next((c for c in causes if c.code in BUGS), None)
    if broken:
        return Reason("critical bug", Verdict.YES, f"{broken.code}: {broken.summary}")
    if not sides.told or sides.before is None or sides.after is None:
        return Reason("critical bug", Verdict.UNTOLD, "too few values of error_rate before or after it")
    before, after = sides.before.mean, sides.after.mean
    said = f"error_rate {before:.2f} % before, {after:.2f} % since"
    worse = after - before >= more and after >= 2 * before
    return Reason("critical bug", Verdict.YES if worse else Verdict.NO, said)


def _slower(sides: Sides, most: float) -> Reason:
    name = f"over {most:g} % slower"
    if not sides.told or sides.before is None or sides.after is None or sides.before.mean <= 0:
        return Reason(name, Verdict.UNTOLD, "too few values of p95_response_time before or after it")
    before, after = sides.before.mean, sides.after.mean
    change = 100 * (after - before) / before
    said = f"p95_response_time {before:.0f} ms before, {after:.0f} ms since: {change:+.0f} %"
    return Reason(name, Verdict.YES if change > most else Verdict.NO, said)


def _vulnerable(causes: Sequence[Cause], checks: Sequence[str], advisories: Reason | None) -> Reason:
    """An attack that goes on is one whatever the reports say."""
    name, blind = "vulnerability", "no check of security could look"
    found = _of_causes(name, causes, "security.", _has(checks, "audit."), blind)
    return found if found.verdict is Verdict.YES else advisories or found


def _of_causes(name: str, causes: Sequence[Cause], prefix: str, looked: bool, blind: str) -> Reason:
    found = next((c for c in causes if c.code.startswith(prefix)), None)
    if found:
        return Reason(name, Verdict.YES, f"{found.code}: {found.summary}")
    return Reason(name, Verdict.NO, "none found") if looked else Reason(name, Verdict.UNTOLD, blind)

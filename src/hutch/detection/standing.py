"""Causes that no alert rule sees: a diagnosis repeated on a clock, and what stands in it becomes an alert. Pure.

A lock, a brute-force attack or a half-applied migration moves no signal at first. So every service is diagnosed
now and then; a cause that is named with confidence in two looks in a row fires, under its code as the rule's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hutch.detection.rules import Fired, Resolved, Transition
from hutch.model.alert import UNKNOWN_START, Alert, Condition, Rule
from hutch.model.finding import Cause, Diagnosis, Status
from hutch.model.severity import Severity

CONFIDENT = 0.7
"""A cause named with less confidence opens nothing by itself."""

LOOKS = 2
"""In so many looks in a row a cause must be named: what passes by itself wakes nobody."""

SEV_1 = frozenset({"http.unreachable", "postgres.unreachable", "data.mass_deletion", "security.mass_export"})
"""Causes that mean an outage for everyone, or data on its way out."""

SEV_3 = frozenset(
    {"http.slow", "http.tls_expiring", "postgres.missing_index", "postgres.invalid_index", "postgres.long_query",
     "postgres.stale_statistics", "postgres.bloat", "postgres.autovacuum_behind", "postgres.cache_miss",
     "postgres.temp_spill", "redis.evicting", "redis.slow_command", "migration.pending", "backup.overdue"}
)  # fmt: skip
"""Causes that make it slower or will hurt later. Every other cause is SEV-2."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered between looks: how often in a row each code was named, and what fires."""

    seen: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, datetime] = field(default_factory=dict)
    firing: Mapping[str, Alert] = field(default_factory=dict)


def severity(code: str) -> Severity:
    """The severity of the alert that a cause gives.

    >>> severity("postgres.unreachable").label
    'SEV-1'
    """
    return Severity.SEV1 if code in SEV_1 else Severity.SEV3 if code in SEV_3 else Severity.SEV2


def rule_for(code: str) -> Rule:
    """The rule that stands for a cause: named by its code."""
    return Rule(code, Condition("confidence", ">=", CONFIDENT), timedelta(0), severity(code))


def possible(codes: Iterable[str], service: str) -> list[Alert]:
    """The alerts that causes with these codes can give, to be looked for by their fingerprint."""
    return [Alert(code, service, severity(code), UNKNOWN_START, "") for code in sorted(codes)]


def step(state: Standing, found: Diagnosis, now: datetime, service: str) -> tuple[Standing, list[Transition]]:
    """Judge one look. A cause that fires is resolved by the first look that no longer names it and could tell."""
    causes = found.causes
    named = {c.code: c for c in reversed(causes) if c.confidence >= CONFIDENT}
    seen = {code: state.seen.get(code, 0) + 1 for code in named}
    first = {code: state.first.get(code, c.since or now) for code, c in named.items()}
    new = {
        code: _alert(c, now, service) for code, c in named.items() if seen[code] >= LOOKS and code not in state.firing
    }
    any_named = {c.code for c in causes}
    gone = {k: a for k, a in state.firing.items() if could_tell(found) and k not in any_named}
    firing = {**{k: a for k, a in state.firing.items() if k not in gone}, **new}
    fired: list[Transition] = [Fired(alert, min(first[code], now)) for code, alert in new.items()]
    ended: list[Transition] = [Resolved(replace(alert, ends_at=now)) for alert in gone.values()]
    return Standing(seen, first, firing), fired + ended


def could_tell(found: Diagnosis) -> bool:
    """Whether every check that matters saw its target: only then does silence on a cause mean that it is gone."""
    return bool(found.findings) and not any(f.matters and f.status is Status.UNKNOWN for f in found.findings)


def _alert(cause: Cause, now: datetime, service: str) -> Alert:
    return Alert(cause.code, service, severity(cause.code), now, cause.summary, round(cause.confidence, 3))

"""Which alert belongs to which incident. Pure: the answer is a value, the caller acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.model.alert import Alert
from hutch.model.incident import Incident
from hutch.model.severity import Severity

APART = ("security", "data", "hutch")
"""Areas of cause codes whose alerts make incidents of their own: an attack is not the slowness beside it."""

HEALTH = "health"
"""What every other alert is about: how the service does."""


@dataclass(frozen=True, slots=True)
class Declare:
    """No incident that it belongs to: a new one, at this severity."""

    severity: Severity


@dataclass(frozen=True, slots=True)
class Join:
    """It is part of this incident; ``raise_to`` is its new severity where the alert is worse, else None."""

    incident: str
    raise_to: Severity | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """It is what this resolved incident was about, and is back while that one is watched."""

    incident: str


Place = Declare | Join | Reopen


def family(alert: Alert) -> str:
    """What an alert is about, as far as that keeps incidents apart: the area of its cause code, or of a label.

    >>> from hutch.model.alert import UNKNOWN_START
    >>> family(Alert("security.brute_force", "shop", None, UNKNOWN_START, ""))
    'security'
    """
    cause = alert.labels.get("cause") or alert.rule
    area = cause.partition(".")[0] if "." in cause else alert.labels.get("category", "")
    return area if area in APART else HEALTH


def place(alert: Alert, incidents: Iterable[Incident], now: datetime, window: timedelta, before: str = "") -> Place:
    """Where a firing that begins goes: back into the incident that it relapses into, else into an open one of its
    service and cause that is astir, the oldest first, else into a new one.

    ``before`` is the incident that its last firing was in. Severity is only ever raised here; a person lowers it.
    """
    mine = sorted((i for i in incidents if i.service == alert.service), key=lambda i: (i.declared_at, i.id))
    joined = next((i for i in mine if i.open and _belongs(i, alert, now, window, before)), None)
    if joined:
        return Join(joined.id, alert.level if alert.level < joined.severity else None)
    relapsed = next((i for i in mine if _watched(i, now) and _same(i, alert, before)), None)
    return Reopen(relapsed.id) if relapsed else Declare(alert.level)


def _belongs(state: Incident, alert: Alert, now: datetime, window: timedelta, before: str) -> bool:
    """Of the same family while it is astir; what it was about itself belongs to it as long as it is open."""
    stirred = state.alerted_at or state.declared_at
    astir = state.family in ("", family(alert)) and (state.firing or now - stirred <= window)
    return astir or _same(state, alert, before)


def _watched(state: Incident, now: datetime) -> bool:
    return not state.open and state.watch_until is not None and now < state.watch_until


def _same(state: Incident, alert: Alert, before: str) -> bool:
    """Whether it was among the incident's alerts, or is the very cause that was found."""
    code = str((state.cause or {}).get("code", ""))
    if before == state.id or (code and code == alert.rule):
        return True
    mine = f"{alert.fingerprint}@"
    return any(key.startswith(mine) for key in state.alerts)

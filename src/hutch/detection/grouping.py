"""Which alert belongs to which open incident. Pure: the answer is a value, the caller acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.alert import Alert
from hutch.model.severity import Severity


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """What grouping must know of an incident that is not resolved. ``alerts`` are the keys it has."""

    id: str
    service: str
    severity: Severity
    opened_at: datetime
    alerts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declare:
    """No open incident of this service: a new one, at this severity."""

    severity: Severity


@dataclass(frozen=True, slots=True)
class Join:
    """It is part of this incident; ``raise_to`` is its new severity where the alert is worse, else None."""

    incident: str
    raise_to: Severity | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """This very firing is in this incident already (an alert delivered twice): nothing to do."""

    incident: str


def place(alert: Alert, incidents: Iterable[OpenIncident]) -> Declare | Join | Known:
    """Where ``alert`` goes among the open ``incidents``: the oldest one of its service, else a new one.

    Severity is only ever raised here; a person lowers it.
    """
    mine = sorted((i for i in incidents if i.service == alert.service), key=lambda i: (i.opened_at, i.id))
    known = next((i for i in mine if alert.key in i.alerts), None)
    if known:
        return Known(known.id)
    if not mine:
        return Declare(alert.level)
    oldest = mine[0]
    return Join(oldest.id, alert.level if alert.level < oldest.severity else None)

"""The probes of a service as its page shows them: what fails first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hutch.detection.probes import Place
from hutch.model.probe import State
from hutch.web.present.chart import with_unit
from hutch.web.present.words import Moment, line, moment

ORDER = (State.FAILING, State.WARNING, State.SILENT, State.OK)
KINDS = {State.FAILING: "firing", State.WARNING: "pending", State.SILENT: "no-data", State.OK: "inactive"}
"""The look of a state: as that of a rule."""


@dataclass(frozen=True, slots=True)
class Row:
    """One probe at one place; ``kind`` is its state as a class, ``seen`` None where it never spoke."""

    name: str
    location: str
    state: str
    kind: str
    seen: Moment | None
    took: str
    detail: str


def rows(places: Iterable[Place], now: datetime) -> list[Row]:
    """Failing ones, warnings, silent ones, and the others; by name."""
    ordered = sorted(places, key=lambda p: (ORDER.index(p.state), p.probe.name, p.location))
    return [_row(place, now) for place in ordered]


def _row(place: Place, now: datetime) -> Row:
    last = place.sighting
    return Row(
        line(place.probe.name),
        line(place.location),
        str(place.state),
        KINDS[place.state],
        moment(last.at, now) if last else None,
        _took(last.seen.seconds) if last else "",
        line(last.seen.detail) if last else "",
    )


def _took(seconds: float) -> str:
    """How long, for people.

    >>> _took(0.0123), _took(10)
    ('12.3 ms', '10 s')
    """
    return with_unit(seconds * 1000, "ms") if seconds < 1 else with_unit(seconds, "s")

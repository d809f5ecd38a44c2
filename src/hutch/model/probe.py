"""Probes: what is looked at from outside and from where, and what was seen. Pure.

A probe of one location is a *place* here; what it saw last is a :class:`Sighting`. A place that has said nothing for
too long is silent: that is a state of its own, neither well nor failing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from hutch.model.event import instant, parse_instant
from hutch.model.finding import Object

PHASES = ("lookup", "connect", "tls", "first_byte", "total")
"""The parts of a probe in their order. A time of a phase is its *end*, in seconds since the start, as curl says it."""

CURL = dict(zip(PHASES, ("time_namelookup", "time_connect", "time_appconnect", "time_starttransfer", "time_total"),
                strict=True))  # fmt: skip
"""What curl's ``--write-out`` calls them."""

TURNS = 2
"""A place is silent once so many of its turns, and the time that they may take, brought nothing."""

SHOWN = 500
"""Characters of what a probe says of itself that are kept."""


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """One entry of ``probes``: checked, its secrets still references. ``every`` is divided by the time scale."""

    name: str
    service: str
    kind: str
    target: str
    settings: Mapping[str, object] = field(default_factory=dict)
    every: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=10)
    locations: tuple[str, ...] = ("local",)
    line: int = 0

    def counts_for(self, time_scale: float = 1.0) -> timedelta:
        """How long what it saw stands for how things are."""
        return TURNS * self.every / time_scale + self.timeout


@dataclass(frozen=True, slots=True)
class Probed:
    """What one look saw. ``phases`` has the end of each phase that ended, by :data:`PHASES`.

    ``answered``: the other side did speak, whatever it said. ``cause`` is the code of what is wrong with ``object``, if
    anything is; a probe may succeed and warn (a certificate that ends soon). ``detail`` is one line for people, and
    may hold what the other side said: untrusted.
    """

    success: bool
    detail: str
    phases: Mapping[str, float] = field(default_factory=dict)
    answered: bool = False
    cause: str = ""
    object: Object | None = None

    def with_text(self, change: Callable[[str], str]) -> Probed:
        """The same with every text that people see changed: to mask secrets."""
        thing = self.object and Object(self.object.kind, change(self.object.id))
        return replace(self, detail=change(self.detail), object=thing)

    @property
    def seconds(self) -> float:
        """How long it took, as far as it came."""
        return max(self.phases.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a probe saw last at one location. ``late`` is how many seconds after its turn it began, ``skipped`` how many
    turns were left out since the one before, because that had not ended."""

    probe: str
    service: str
    location: str
    at: datetime
    seen: Probed
    late: float = 0.0
    skipped: int = 0

    @property
    def key(self) -> str:
        """What it is kept under: one for each probe and location."""
        return f"{self.location}/{self.probe}"


class Sightings(Protocol):
    """Keeps what probes saw last, one for each probe and location, of all processes."""

    async def keep(self, seen: Sequence[Sighting], holder: str = "") -> bool:
        """Put these in the place of what was there; False where they cannot be written."""

    async def latest(self, service: str = "") -> list[Sighting]:
        """What was seen last, of that service or of all."""

    async def forget(self, before: datetime) -> None:
        """Let go of what has not been renewed since."""

    async def close(self) -> None:
        """Let go of where they are kept."""


class State(StrEnum):
    """How a probe stands at one place."""

    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"
    SILENT = "no data"


def state(sighting: Sighting | None, counts_for: timedelta, now: datetime) -> State:
    """The state by what was seen last. A clock that goes ahead of ours is believed as little as one that stopped."""
    if sighting is None or abs(now - sighting.at) > counts_for:
        return State.SILENT
    if not sighting.seen.success:
        return State.FAILING
    return State.WARNING if sighting.seen.cause else State.OK


def lengths(phases: Mapping[str, float]) -> dict[str, float]:
    """How long each phase took by itself; ``total`` is the whole.

    >>> lengths({"lookup": 0.5, "connect": 0.75, "first_byte": 1.0, "total": 1.5})
    {'lookup': 0.5, 'connect': 0.25, 'first_byte': 0.25, 'total': 1.5}
    """
    found, before = {}, 0.0
    for name in PHASES[:-1]:
        if name in phases:
            found[name] = max(0.0, phases[name] - before)
            before = phases[name]
    return {**found, "total": phases["total"]} if "total" in phases else found


def as_data(sighting: Sighting) -> dict[str, object]:
    """The form in which it is kept; :func:`sighting_from` is its inverse."""
    seen = sighting.seen
    data: dict[str, object] = {
        "probe": sighting.probe,
        "service": sighting.service,
        "location": sighting.location,
        "at": instant(sighting.at),
        "success": seen.success,
        "answered": seen.answered,
        "detail": seen.detail,
        "phases": {name: round(seconds, 6) for name, seconds in seen.phases.items()},
        "late": round(sighting.late, 3),
        "skipped": sighting.skipped,
    }
    if seen.cause:
        data["cause"] = seen.cause
    if seen.object:
        data["object"] = [seen.object.kind, seen.object.id]
    return data


def sighting_from(data: Mapping[str, object]) -> Sighting:
    """Raises ``ValueError`` for what :func:`as_data` did not write (another version may have)."""
    try:
        phases, thing = data["phases"], data.get("object")
        if not isinstance(phases, Mapping) or not isinstance(thing, list | None):
            raise ValueError("phases must be a mapping, object a pair")
        seen = Probed(
            success=data["success"] is True,
            detail=str(data["detail"]),
            phases={str(name): float(seconds) for name, seconds in phases.items()},
            answered=data["answered"] is True,
            cause=str(data.get("cause", "")),
            object=Object(str(thing[0]), str(thing[1])) if thing else None,
        )
        late, skipped = float(str(data["late"])), int(str(data["skipped"]))
        probe, service, location = (str(data[name]) for name in ("probe", "service", "location"))
        return Sighting(probe, service, location, parse_instant(str(data["at"])), seen, late, skipped)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no sighting of a probe: {error}") from error

"""From what probes saw last to samples, and how many places must agree. Pure: the caller says the time.

A place that is silent gives a value that is no number: it counts neither as well nor as failing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.action import Sample
from hutch.model.probe import ProbeConfig, Sighting, State, lengths, state

SUCCESS, DURATION = "probe_success", "probe_duration_milliseconds"


@dataclass(frozen=True, slots=True)
class Place:
    """One probe at one location, how it stands there, and what was seen last, if anything was."""

    probe: ProbeConfig
    location: str
    state: State
    sighting: Sighting | None

    @property
    def well(self) -> bool | None:
        """Whether the look succeeded; None where the place is silent."""
        return None if self.state is State.SILENT else self.state is not State.FAILING


def standing(
    probes: Iterable[ProbeConfig], sightings: Iterable[Sighting], now: datetime, time_scale: float = 1.0
) -> list[Place]:
    """Every place of these probes, also the silent ones; sightings of others are left out."""
    seen = {(s.probe, s.location): s for s in sightings}
    found = []
    for probe in probes:
        for location in probe.locations:
            last = seen.get((probe.name, location))
            found.append(Place(probe, location, state(last, probe.counts_for(time_scale), now), last))
    return found


def samples(places: Iterable[Place], now: datetime) -> list[Sample]:
    """What the signals are computed from; durations only of looks that were answered."""
    found = []
    for place in places:
        labels = {"probe": place.probe.name, "location": place.location}
        value = math.nan if place.well is None else float(place.well)
        found.append(Sample(SUCCESS, labels, value, now))
        if place.sighting and place.well is not None and place.sighting.seen.answered:
            for phase, seconds in lengths(place.sighting.seen.phases).items():
                found.append(Sample(DURATION, {**labels, "phase": phase}, 1000 * seconds, now))
    return found


Round = Mapping[str, Sequence[bool | None]]
"""For each probe whether each of its places saw it well; None for a silent one."""


def round_of(places: Iterable[Place], probe: str = "") -> Round:
    """The latest round of one probe, or of all."""
    found: dict[str, list[bool | None]] = {}
    for place in places:
        if probe in ("", place.probe.name):
            found.setdefault(place.probe.name, []).append(place.well)
    return found


def agreed(seen: Sequence[bool | None], quorum: int) -> bool | None:
    """Whether a probe is well, where it takes ``quorum`` places to say that it fails; None where that cannot be told.

    A silent place does not count as failing; but where its word could make the quorum, nobody knows.

    >>> agreed([False, False, True], 2), agreed([False, True, True], 2), agreed([False, None, True], 2)
    (False, True, None)
    """
    failing, silent = sum(well is False for well in seen), sum(well is None for well in seen)
    if failing >= quorum:
        return False
    return True if failing + silent < quorum else None


def uptime_by_quorum(seen: Round, quorum: int, holds: Callable[[float], bool]) -> float | None:
    """% of the probes that are well, where ``quorum`` places must agree that one fails; None where the probes that
    nobody knows of would decide whether the condition ``holds``."""
    told = [agreed(places, quorum) for places in seen.values()]
    if not told:
        return None
    sure, unknown = sum(well is True for well in told), sum(well is None for well in told)
    worst, best = 100.0 * sure / len(told), 100.0 * (sure + unknown) / len(told)
    return best if holds(worst) == holds(best) else None

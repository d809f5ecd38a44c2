"""What probes saw last, as findings and causes beside those of the checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from hutch.model.finding import Cause, Finding, Object, Status
from hutch.model.probe import ProbeConfig, Sighting, State, state

SURE, UNSURE = 0.85, 0.5
"""Confidence in a cause that every place saw that has spoken, and in one that only some saw."""

_STATUS = {State.OK: Status.OK, State.WARNING: Status.WARN, State.FAILING: Status.BAD, State.SILENT: Status.UNKNOWN}


def findings(
    probes: Iterable[ProbeConfig], sightings: Sequence[Sighting], now: datetime, time_scale: float = 1.0
) -> list[Finding]:
    """One finding for each place that has ever spoken; one that fell silent could not tell."""
    seen = {(s.probe, s.location): s for s in sightings}
    found = []
    for probe in probes:
        for location in probe.locations:
            last = seen.get((probe.name, location))
            if last:
                found.append(_finding(probe, last, state(last, probe.counts_for(time_scale), now)))
    return found


def _finding(probe: ProbeConfig, last: Sighting, how: State) -> Finding:
    silent = how is State.SILENT
    said = f"no data since {last.at:%Y-%m-%d %H:%M:%S} UTC" if silent else last.seen.detail
    summary = f"{probe.name} from {last.location}: {said}"
    data: dict[str, object] = {"probe": probe.name, "location": last.location, "phases": dict(last.seen.phases)}
    if last.seen.cause and last.seen.object and not silent:
        data |= {"cause": last.seen.cause, "kind": last.seen.object.kind, "id": last.seen.object.id}
    return Finding(
        f"probe.{probe.kind}", probe.name, _STATUS[how], summary, last.at, last.seen.seconds, data, (summary,),
        reason=summary if silent else "",
    )  # fmt: skip


def causes(found: Sequence[Finding]) -> list[Cause]:
    """One cause of each code and probe; surer where all places that have spoken saw it."""
    mine = [f for f in found if f.check.startswith("probe.") and f.status is not Status.UNKNOWN]
    told: dict[tuple[str, str], list[Finding]] = {}
    for finding in mine:
        if "cause" in finding.data:
            told.setdefault((finding.target, str(finding.data["cause"])), []).append(finding)
    return [_cause(code, same, sum(f.target == probe for f in mine)) for (probe, code), same in told.items()]


def _cause(code: str, same: Sequence[Finding], spoken: int) -> Cause:
    first = same[0]
    thing = Object(str(first.data["kind"]), str(first.data["id"]))
    sure = SURE if len(same) == spoken else UNSURE
    lines = tuple(f.summary for f in same)
    return Cause(code, thing, sure, first.summary, first.target, lines)

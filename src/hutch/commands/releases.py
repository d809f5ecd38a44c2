"""Recent changes beside the signals, the one that fits the trouble, and whether this release should go back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hutch.commands import incidents, platforms
from hutch.commands.advisories import compared
from hutch.commands.context import CommandError, Context
from hutch.commands.diagnose import diagnose
from hutch.diagnosis.changes import WITHIN, suspect
from hutch.diagnosis.releases import COMPARED, Bounds, Level, Sides, reasons
from hutch.diagnosis.verdict import Reason, Verdict
from hutch.model.bins import Bin
from hutch.model.event import Event, instant, parse_instant
from hutch.model.finding import Change, Status

ASIDE = timedelta(minutes=10)
"""How much of the signals before and after a change stands beside it."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trouble:
    """When it began, and what says so."""

    at: datetime
    what: str


async def timeline(
    context: Context, service_name: str, since: datetime, at: datetime | None = None, incident: str = ""
) -> dict[str, Any]:
    """Changes and alerts since then, oldest first, each change with its signals before and after it.

    ``suspect`` is the change that fits the trouble best: that of ``at``, of the incident, or of the first alert.
    """
    rows = [row for row in await platforms.deployments(context, service_name) if parse_instant(row["at"]) >= since]
    name = platforms.named(context, service_name)
    fired = await _fired(context, name, since)
    began = await _trouble(context, at, incident, fired)
    sides = await asyncio.gather(*(_beside(context, name, row) for row in rows))
    told = [{**row, "signals": _told(found)} for row, found in zip(rows, sides, strict=True)]
    found = suspect([_change(row) for row in rows], began.at, WITHIN / context.config.time_scale) if began else None
    return {
        "service": name,
        "since": instant(since),
        "rows": sorted([*told, *map(_alert_row, fired)], key=lambda row: str(row["at"])),
        "began": {"at": instant(began.at), "what": began.what} if began else None,
        "suspect": found.as_dict() if found else None,
    }


async def judged(context: Context, service_name: str, bounds: Bounds) -> dict[str, Any]:
    """The runbooks' reasons to roll back, judged for the release that runs now against the one before it."""
    rows = await platforms.deployments(context, service_name)
    deployed = [r for r in rows if r["kind"] == "deployment" and r["state"] == "succeeded" and r["id"] != r["previous"]]
    if not deployed:
        raise CommandError("no deployment is known: nothing can be compared")
    name, last = platforms.named(context, service_name), deployed[0]
    earlier = parse_instant(deployed[1]["finished_at"] or deployed[1]["at"]) if len(deployed) > 1 else None
    sides, found = await asyncio.gather(
        _sides(context, name, _windows(context, last, earlier)), diagnose(context, context.service(name))
    )
    vulnerable = await _vulnerable(context, name, last, rows)
    looked = [f.check for f in found.findings if f.status is not Status.UNKNOWN]
    judgement = [r.as_dict() for r in reasons(sides, found.causes, looked, bounds, vulnerable)]
    return {
        "service": name, "release": last["id"], "previous": last["previous"], "deployed_at": last["at"],
        "roll_back": any(r["verdict"] == Verdict.YES.value for r in judgement),
        "reasons": [{**r, "said": context.secrets.mask(str(r["said"]))} for r in judgement],
        "signals": _told(sides),
    }  # fmt: skip


# ------------------------------------------------------------------ advisories


async def _vulnerable(context: Context, service: str, last: Row, rows: Sequence[Row]) -> Reason | None:
    """What the reports on this release and the one before it say; None where none are configured."""
    connections = context.service(service).connections.values()
    source = next((c.advisories for c in connections if c.advisories), None)
    if source is None:
        return None
    before = next((row for row in rows if row["id"] == last["previous"]), {"id": last["previous"], "names": []})
    now, earlier = ((str(row["id"]), *map(str, row["names"])) for row in (last, before))
    return await compared(source, now, earlier, context.clock.now())


# ------------------------------------------------------------------ signals


@dataclass(frozen=True, slots=True)
class Windows:
    """The time before a change and the time after it."""

    before: tuple[datetime, datetime]
    after: tuple[datetime, datetime]


def _windows(context: Context, row: Row, earlier: datetime | None = None, length: timedelta = WITHIN) -> Windows:
    """While a change is being made both releases run: that time counts for neither."""
    span = length / context.config.time_scale
    begun, ended = parse_instant(row["at"]), parse_instant(row["finished_at"] or row["at"])
    start = max(begun - span, earlier) if earlier and earlier < begun else begun - span
    return Windows((start, begun), (ended, min(ended + span, context.clock.now())))


async def _beside(context: Context, service: str, row: Row) -> dict[str, Sides]:
    return await _sides(context, service, _windows(context, row, length=ASIDE))


async def _sides(context: Context, service: str, windows: Windows) -> dict[str, Sides]:
    found = await asyncio.gather(*(_signal(context, service, name, windows) for name in COMPARED))
    return dict(zip(COMPARED, found, strict=True))


async def _signal(context: Context, service: str, name: str, windows: Windows) -> Sides:
    if context.samples is None:
        return Sides()
    track = await context.samples.read(service, name, windows.before[0], windows.after[1])
    inside = [b for b in track.bins if b.count]
    return Sides(_level(inside, *windows.before, track.step), _level(inside, *windows.after, track.step))


def _level(bins: Sequence[Bin], start: datetime, end: datetime, step: timedelta) -> Level | None:
    """Over the bins that lie wholly inside."""
    mine = [b for b in bins if start <= b.at and b.at + step <= end]
    count = sum(b.count for b in mine)
    return Level(sum(b.total for b in mine) / count, count) if count else None


def _told(sides: Mapping[str, Sides]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"before": _rounded(found.before), "after": _rounded(found.after)}
        for name, found in sides.items()
        if found.before or found.after
    }


def _rounded(level: Level | None) -> float | None:
    return round(level.mean, 3) if level else None


# ------------------------------------------------------------------ the trouble


async def _fired(context: Context, service: str, since: datetime) -> list[Event]:
    found = await context.store.since("firing.started", since)
    return [event for event in found if _alert(event).get("service") == service]


async def _trouble(context: Context, at: datetime | None, incident: str, fired: Sequence[Event]) -> Trouble | None:
    if incident:
        state = await incidents.load(context, incident)
        return Trouble(state.began_at or state.detected_at, f"{incident} began")
    if at:
        return Trouble(at, "the time that was given")
    first = min(fired, key=lambda event: event.at, default=None)
    return Trouble(first.at, f"alert {_alert(first).get('rule', '')} fired") if first else None


def _alert(event: Event) -> Mapping[str, Any]:
    found = event.data.get("alert")
    return found if isinstance(found, Mapping) else {}


def _alert_row(event: Event) -> dict[str, Any]:
    rule = str(_alert(event).get("rule", ""))
    return {"kind": "alert", "id": rule, "at": instant(event.at), "summary": f"alert {rule} fired", "signals": {}}


def _change(row: Row) -> Change:
    return Change(row["kind"], row["id"], parse_instant(row["at"]), row["summary"], row["previous"])

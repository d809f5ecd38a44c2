"""What must hold once the storm is over, read from the log alone and from what the service itself counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hutch.commands.context import Context
from hutch.model import incident as model
from hutch.model.clock import ClockState
from hutch.model.event import Event
from storm import Told

Log = Mapping[str, Sequence[Event]]


async def log_of(context: Context) -> Log:
    """Every stream."""
    names = await context.store.streams()
    return dict(zip(names, await context.store.read_all(names), strict=True))


async def settled(context: Context, told: Told, seconds: float) -> Log:
    """The log, once all that is under way came to rest: approved runs ended or ask a person, due promises are told."""
    loop = asyncio.get_running_loop()
    until, log = loop.time() + seconds, await log_of(context)
    while (left := [*moving(log, told), *silent(log, context.clock.now())]) and loop.time() < until:
        await asyncio.sleep(0.5)
        log = await log_of(context)
    assert not left, f"after {seconds:g} s there is still: {left}"
    return log


def moving(log: Log, told: Told) -> list[str]:
    """Approved runs of which the log says neither how they ended nor that a person is asked."""
    ends = {"run.finished", "decision.needed", "option.failed"}
    found = []
    for run in told.approved:
        kinds = [event.kind for event in log[f"run:{run}"]]
        if not ends.intersection(kinds[kinds.index("approval.granted") :]):
            found.append(f"{run}: {kinds[-1]}")
    return found


def silent(log: Log, now: datetime) -> list[str]:
    """Promises that are due for a second and are neither met nor said to be overdue."""
    found = []
    for stream, events in log.items():
        state = model.fold(events) if stream.startswith("incident:") else None
        for clock in state.clocks if state else ():
            due = clock.state is ClockState.RUNNING and clock.due < now - timedelta(seconds=1)
            if due and not clock.overdue_said:
                found.append(f"{stream}: {clock.id} was due at {clock.due:%H:%M:%S}")
    return found


def lost(log: Log, told: Told) -> list[str]:
    """What was acknowledged and is not there exactly once."""
    alerts, notes = Counter[str](), Counter[str]()
    for stream, events in log.items():
        for event in events:
            if stream.startswith("alert:") and event.kind == "firing.started":
                alerts[event.data["alert"]["labels"]["n"]] += 1  # type: ignore[index,call-overload]
            if event.kind == "note.added":
                notes[str(event.data["text"])] += 1
    approved = [r for r in told.approved if [e.kind for e in log[f"run:{r}"]].count("approval.granted") != 1]
    return [
        *(f"alert {name}: {alerts[name]} times" for name in told.alerts if alerts[name] != 1),
        *(f"{text}: {notes[text]} times" for text in told.notes if notes[text] != 1),
        *(f"alert {name} doubled" for name, count in alerts.items() if count > 1),
        *(f"{text} doubled" for text, count in notes.items() if count > 1),
        *(f"incident {name}" for name in told.declared if f"incident:{name}" not in log),
        *(f"approval of {run}" for run in approved),
    ]


def doubled(folder: Path) -> list[str]:
    """Services whose change was made more than once, as they counted themselves."""
    logs = sorted((folder / "services").glob("*/applied"))
    return [f"{log.parent.name}: {log.read_text().split()}" for log in logs if log.read_text().count("begun") > 1]


def made(folder: Path) -> int:
    """In how many services the change was begun."""
    return len(list((folder / "services").glob("*/applied")))


def lateness(log: Log) -> list[tuple[float, str]]:
    """By how many seconds promises were told late, in order, and which it was."""
    return sorted(
        ((event.at - datetime.fromisoformat(str(event.data["due"]))).total_seconds(), f"{event.stream} {event.data}")
        for events in log.values()
        for event in events
        if event.kind == "clock.overdue"
    )

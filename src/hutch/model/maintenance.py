"""A planned window is the fold of its stream ``maintenance:M-001``: it is planned, and may end before its time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hutch.model.event import Draft, Event, instant, parse_instant
from hutch.model.quiet import Maintenance


def stream_of(window_id: str) -> str:
    """``maintenance:M-001``."""
    return f"maintenance:{window_id}"


def next_id(existing: Iterable[str]) -> str:
    """The next free ``M-NNN``."""
    numbers = [int(i.removeprefix("M-")) for i in existing if i.removeprefix("M-").isdigit()]
    return f"M-{max(numbers, default=0) + 1:03d}"


def planned(name: str, service: str, starts: datetime, ends: datetime, by: str) -> Draft:
    """Its first event."""
    data = {"name": name, "service": service, "starts_at": instant(starts), "ends_at": instant(ends)}
    return Draft("maintenance.planned", data, by)


def ended(now: datetime, by: str) -> Draft:
    """The work was done, or called off, before its time."""
    return Draft("maintenance.ended", {"ends_at": instant(now)}, by)


def fold(events: Iterable[Event], state: Maintenance | None = None) -> Maintenance | None:
    """The window that these events tell of, from the first, or from the one after ``state``; None without any."""
    for event in events:
        if event.kind == "maintenance.planned":
            state = _planned(event)
        elif event.kind == "maintenance.ended" and state and state.starts and state.ends:
            at = min(state.ends, parse_instant(str(event.data["ends_at"])))
            state = replace(state, ends=at, starts=min(state.starts, at))
    return state


def _planned(event: Event) -> Maintenance:
    data = event.data
    return Maintenance(
        name=str(data["name"]),
        service=str(data["service"]),
        starts=parse_instant(str(data["starts_at"])),
        ends=parse_instant(str(data["ends_at"])),
        id=event.stream.removeprefix("maintenance:"),
        by=event.actor,
    )

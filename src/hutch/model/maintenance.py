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


def planned(window: Maintenance) -> Draft:
    """The first event of one that has a beginning and an end."""
    assert window.starts and window.ends
    data: dict[str, object] = {"name": window.name, "service": window.service}
    data |= {"starts_at": instant(window.starts), "ends_at": instant(window.ends)}
    data |= {"public": True} if window.public else {}
    return Draft("maintenance.planned", data, window.by)


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
        public=bool(data.get("public")),
    )

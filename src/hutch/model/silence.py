"""A silence is the fold of its stream ``silence:S-001``: it begins, and it ends at its time or before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from hutch.model.event import Draft, Event, instant, parse_instant
from hutch.model.quiet import Matcher, Silence, matcher


def stream_of(silence_id: str) -> str:
    """``silence:S-001``."""
    return f"silence:{silence_id}"


def next_id(existing: Iterable[str]) -> str:
    """The next free ``S-NNN``."""
    numbers = [int(i.removeprefix("S-")) for i in existing if i.removeprefix("S-").isdigit()]
    return f"S-{max(numbers, default=0) + 1:03d}"


def begun(matchers: Sequence[Matcher], starts: datetime, ends: datetime, reason: str, by: str) -> Draft:
    """Its first event."""
    data = {
        "matchers": [str(m) for m in matchers],
        "starts_at": instant(starts),
        "ends_at": instant(ends),
        "reason": reason,
    }
    return Draft("silence.begun", data, by)


def expired(now: datetime, by: str) -> Draft:
    """Somebody ended it before its time."""
    return Draft("silence.expired", {"ends_at": instant(now)}, by)


def fold(events: Iterable[Event], state: Silence | None = None) -> Silence | None:
    """The silence that these events tell of, from the first, or from the one after ``state``; None without any."""
    for event in events:
        if event.kind == "silence.begun":
            state = _begun(event)
        elif event.kind == "silence.expired" and state:
            state = replace(state, ends=min(state.ends, parse_instant(str(event.data["ends_at"]))))
    return state


def _begun(event: Event) -> Silence:
    data = event.data
    texts = data["matchers"]
    return Silence(
        id=event.stream.removeprefix("silence:"),
        matchers=tuple(matcher(str(text)) for text in texts) if isinstance(texts, list | tuple) else (),
        starts=parse_instant(str(data["starts_at"])),
        ends=parse_instant(str(data["ends_at"])),
        reason=str(data["reason"]),
        by=event.actor,
    )

"""Erasing what a law makes us erase, so that the chain still proves the rest (DESIGN §5). Pure.

An event's data goes as a whole, since its hash is one; what must not go is told again by the event ``event.erased``,
which says who erased what and why. Readers take that in its place.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from hutch.model.event import ERASED, Event

KIND = "event.erased"

GONE = "(erased)"
"""Stands where an erased text stood."""

WORDS = frozenset(
    {"title", "summary", "text", "note", "reason", "resolution", "body", "said", "users", "name", "labels", "url",
     "why", "owner", "person", "link", "path", "found", "told", "value"}
)  # fmt: skip
"""The fields that hold what people or strangers wrote: erased where no field is named."""

KEPT = frozenset(
    {"severity", "detected_at", "key", "rule", "clock", "number", "start", "due", "from", "to", "run", "event", "ref",
     "sha256", "size", "type", "id", "channel", "seq", "only", "role", "until", "joined", "ended", "late_by", "fields",
     "attachment", "service", "exercise", "private", "who", "cause", "code", "choices"}
)  # fmt: skip
"""The fields that an incident's state is made of: they are never erased."""


def retold(events: Sequence[Event]) -> Sequence[Event]:
    """The same, with what was told again in place of what was erased. What is said to be erased counts as erased, also
    between that and its doing: whoever looks just then, and remembers it, must not remember what went."""
    told = {int(str(e.data["event"])): e.data.get("rest") for e in events if e.kind == KIND and e.data.get("event")}
    if not told:
        return events
    return [_with(event, told.get(event.seq)) for event in events]


def _with(event: Event, rest: object) -> Event:
    if not isinstance(rest, Mapping):
        return event
    # not evolved by dataclasses.replace: it costs more, and every incident passes here
    return Event(event.stream, event.seq, event.at, event.actor, event.kind, dict(rest), event.salt, event.data_hash,
                 event.prev_hash, event.hash)  # fmt: skip


def undone(events: Iterable[Event]) -> list[int]:
    """The events of which it was said that they are erased, and which still hold what they held: it was cut off."""
    events = list(events)
    said = {int(str(e.data["event"])) for e in events if e.kind == KIND and e.data.get("event")}
    return [e.seq for e in events if e.seq in said and dict(e.data) != dict(ERASED)]


def fields_of(data: Mapping[str, object], wanted: Iterable[str]) -> list[str]:
    """The fields to erase: those that are wanted, or all that hold words. Raises ``ValueError``, saying what to do."""
    named = list(dict.fromkeys(wanted))
    for name in named:
        if name not in data:
            raise ValueError(f"it has no field {name!r}; it has: {', '.join(sorted(data)) or 'none'}")
        if name in KEPT:
            raise ValueError(f"{name} is what the incident's state is made of: it stays")
    found = named or [name for name in data if name in WORDS]
    if not found:
        raise ValueError("it holds no words that could be erased; name a field with --field")
    return found


def rest_of(data: Mapping[str, object], fields: Iterable[str]) -> dict[str, object]:
    """What is told again: a text is replaced by :data:`GONE`, a list or a mapping by an empty one."""
    gone = set(fields)
    return {name: _blank(value) if name in gone else value for name, value in data.items()}


def without(data: Mapping[str, object], wanted: re.Pattern[str], kept: Container[str] = ()) -> dict[str, object]:
    """The data with :data:`GONE` in place of each text that fits, at any depth, but for the fields ``kept``."""
    return {name: value if name in kept else _without(value, wanted) for name, value in data.items()}


def _without(value: object, wanted: re.Pattern[str]) -> object:
    if isinstance(value, str):
        return wanted.sub(GONE, value)
    if isinstance(value, Mapping):
        return {wanted.sub(GONE, str(name)): _without(one, wanted) for name, one in value.items()}
    return [_without(one, wanted) for one in value] if isinstance(value, list | tuple) else value


def _blank(value: object) -> object:
    if isinstance(value, Mapping):
        return {}
    return [] if isinstance(value, list | tuple) else GONE

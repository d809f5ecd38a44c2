"""Who may look into which incident and run, learned from the log event by event. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from hutch.model.access import Circle
from hutch.model.erasure import KIND as ERASING
from hutch.model.erasure import retold
from hutch.model.event import ARCHIVED, Event

ADMITTED = "person.admitted"
"""Somebody was let in to a private incident."""

CLOSED = "incident.closed_off"
"""An incident became private after it was declared."""


OPENED = "incident.public"
"""A private incident is for everybody again."""


def circle_of(events: Iterable[Event]) -> Circle | None:
    """The circle of these events' stream; None for a stream that is neither incident nor run."""
    circle: Circle | None = None
    for event in retold(list(events)):
        circle = learned(circle, event)
    return circle


def is_private(events: Iterable[Event]) -> bool:
    """Whether the incident of these events is private."""
    circle = circle_of(events)
    return circle is not None and circle.private


def learned(circle: Circle | None, event: Event) -> Circle | None:
    """The circle of the event's stream after the event; None for a stream that is neither incident nor run."""
    if circle is None:
        return _first(event)
    change = _CHANGES.get(event.kind)
    return change(circle, event) if change else circle


def _first(event: Event) -> Circle | None:
    data = event.data
    if event.kind == "incident.declared":
        return Circle(str(data.get("service", "")), data.get("private") is True, frozenset({event.actor}))
    if event.kind == "run.started":
        return Circle(str(data.get("service", "")), incident=str(data.get("incident") or ""))
    return _marked(event) if event.kind == ARCHIVED else None


def _marked(event: Event) -> Circle:
    """Of a stream whose events lie in an archive: as its mark tells."""
    data, told = event.data, event.data.get("people")
    people = frozenset(str(name) for name in told) if isinstance(told, list | tuple) else frozenset[str]()
    incident = "" if event.stream.startswith("incident:") else str(data.get("incident") or "")
    return Circle(str(data.get("service", "")), data.get("private") is True, people, incident)


def _with(circle: Circle, who: object) -> Circle:
    return replace(circle, people=circle.people | {str(who)})


def _retold(circle: Circle, event: Event) -> Circle:
    """What was erased of its first event is told again: its service stays."""
    rest = event.data.get("rest")
    told = rest.get("service") if isinstance(rest, Mapping) and event.data.get("event") == 1 else None
    return replace(circle, service=str(told)) if told else circle


_CHANGES: Mapping[str, Callable[[Circle, Event], Circle]] = {
    ADMITTED: lambda c, e: _with(c, e.data.get("who", "")),
    ERASING: _retold,
    CLOSED: lambda c, e: _with(replace(c, private=True), e.actor),
    OPENED: lambda c, _: replace(c, private=False),
    "incident.acknowledged": lambda c, e: _with(c, e.actor),
    "commander.assigned": lambda c, e: _with(c, e.data["who"]),
    "role.assigned": lambda c, e: _with(c, e.data["who"]),
}
"""Whoever takes part is let in: who declared it, who has it, who holds a role, and whom one of them names."""

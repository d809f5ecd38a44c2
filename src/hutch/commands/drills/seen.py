"""What Hutch did about a fault, read from its own event log: the fold of the events since the drill began. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hutch.model.event import Event


@dataclass(frozen=True, slots=True)
class Offer:
    """A remedy that was offered. ``actions`` are its statements that change something; ``indicated``: the
    diagnosis points to it."""

    id: str
    title: str
    digest: str
    actions: tuple[str, ...]
    indicated: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """The first incident since the drill began, the first cause that was named, and what came of it; ``alerts`` are
    all that fired in incidents, each once, the last of them first at ``told_at``; ``incidents`` how many were opened.
    """

    incident: str = ""
    alert: str = ""
    run: str = ""
    opened_at: datetime | None = None
    named_at: datetime | None = None
    ranked_at: datetime | None = None
    approved_at: datetime | None = None
    resolved_at: datetime | None = None
    cause: Mapping[str, Any] | None = None
    offer: Offer | None = None
    outcome: str = ""
    alerts: tuple[str, ...] = ()
    told_at: datetime | None = None
    incidents: int = 0


def fold(events: Iterable[Event], so_far: Seen | None = None) -> Seen:
    """``so_far`` with these events, in their order."""
    state = so_far or Seen()
    for event in events:
        handler = _FOLDS.get(event.kind)
        state = handler(state, event) if handler else state
    return state


def _opened(state: Seen, event: Event) -> Seen:
    state = replace(state, incidents=state.incidents + 1)
    if state.opened_at:
        return state
    return replace(state, incident=event.stream.removeprefix("incident:"), opened_at=event.at)


def _fired(state: Seen, event: Event) -> Seen:
    rule = str(event.data["rule"])
    if rule in state.alerts:
        return state
    return replace(state, alert=state.alert or rule, alerts=(*state.alerts, rule), told_at=event.at)


def _diagnosed(state: Seen, event: Event) -> Seen:
    causes: Any = event.data["causes"]
    if state.cause or not causes:
        return state
    return replace(state, run=event.stream.removeprefix("run:"), cause=dict(causes[0]), named_at=event.at)


def _offered(state: Seen, event: Event) -> Seen:
    if state.offer or event.stream != f"run:{state.run}":
        return state
    return replace(state, offer=offer_of(event.data))


def offer_of(data: Mapping[str, Any]) -> Offer:
    """What an ``approval.requested`` offers."""
    option = data["option"]
    commands = [item["command"] for item in option["items"]]
    actions = tuple(c["runner"] for c in commands if c["effect"] not in ("read", "none"))
    return Offer(option["id"], option["title"], data["digest"], actions, bool(option["cause"]))


def _in_run(field: str, wanted: Mapping[str, object] | None = None) -> Callable[[Seen, Event], Seen]:
    """Note when this happened first in the run that named the cause."""

    def step(state: Seen, event: Event) -> Seen:
        right = all(event.data.get(k) == v for k, v in (wanted or {}).items())
        if event.stream != f"run:{state.run}" or getattr(state, field) or not right:
            return state
        return replace(state, **{field: event.at})  # type: ignore[arg-type]

    return step


def _finished(state: Seen, event: Event) -> Seen:
    if event.stream != f"run:{state.run}":
        return state
    outcome = str(event.data["outcome"])
    return replace(state, outcome=outcome, resolved_at=event.at if outcome == "resolved" else None)


_FOLDS: Mapping[str, Callable[[Seen, Event], Seen]] = {
    "incident.declared": _opened,
    "incident.reopened": _opened,
    "alert.fired": _fired,
    "diagnosis.made": _diagnosed,
    "approval.requested": _offered,
    "options.ranked": _in_run("ranked_at"),
    "approval.granted": _in_run("approved_at"),
    "run.finished": _finished,
}

"""The front page: what is on fire, what is due next, which services are well, who is on call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hutch.commands.watched import Watched
from hutch.model.clock import ClockState
from hutch.model.event import parse_instant
from hutch.model.incident import Incident
from hutch.model.todo import CLOCK
from hutch.web.present.incident import Promise, promised
from hutch.web.present.words import Moment, line, moment

DUE_MOST = 8
"""Promises that the front page names: those that are due first."""


@dataclass(frozen=True, slots=True)
class Due:
    """A promise and whom it concerns."""

    incident: str
    about: str
    promise: Promise


def due(found: Sequence[Incident], now: datetime) -> tuple[tuple[Due, ...], int]:
    """The running promises of every incident, the first due on top; and how many there are in all."""
    running = [(c, state) for state in found for c in state.clocks if c.state is ClockState.RUNNING]
    running.sort(key=lambda pair: (pair[0].due, pair[1].id))
    rows = (Due(state.id, _about(state, clock.id, clock.name), promised(clock, now)) for clock, state in running)
    return tuple(rows)[:DUE_MOST], len(running)


def _about(state: Incident, clock: str, name: str) -> str:
    item = next((i for i in state.items if i.clock == clock), None) if name == CLOCK else None
    return line(item.text if item else state.title)


# ------------------------------------------------------------------ services


@dataclass(frozen=True, slots=True)
class ServiceView:
    """How a service does: ``kind`` is ``bad``, ``warn``, ``well`` or ``unknown``, ``word`` says it."""

    name: str
    kind: str
    word: str
    incident: str = ""


def services(watched: Mapping[str, tuple[Watched, bool]], found: Sequence[Incident]) -> tuple[ServiceView, ...]:
    """Every service; those in trouble first."""
    order = ("bad", "warn", "unknown", "well")
    views = [
        _service(name, *seen, [i for i in found if i.open and i.service == name]) for name, seen in watched.items()
    ]
    return tuple(sorted(views, key=lambda v: (order.index(v.kind), v.name)))


def _service(name: str, seen: Watched, known: bool, open_ones: Sequence[Incident]) -> ServiceView:
    states = [(rule.word, rule.rule.name) for signal in seen.signals for rule in signal.rules]
    firing, pending = ([rule for word, rule in states if word == sort] for sort in ("firing", "pending"))
    if open_ones:
        worst = min(open_ones, key=lambda i: (int(i.severity), i.id))
        return ServiceView(line(name), "bad", f"{worst.severity.label} open", worst.id)
    if firing:
        return ServiceView(line(name), "bad", f"fires: {line(', '.join(sorted(set(firing))))}")
    if pending:
        return ServiceView(line(name), "warn", f"pending: {line(', '.join(sorted(set(pending))))}")
    if not known or not states:
        return ServiceView(line(name), "unknown", "no alert rule" if known else "not watched now")
    if all(word == "no data" for word, _ in states):
        return ServiceView(line(name), "unknown", "no data")
    return ServiceView(line(name), "well", "well")


# ------------------------------------------------------------------ on call


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call; empty where nobody is."""

    schedule: str
    who: str
    until: Moment | None


def on_call(rows: Sequence[Mapping[str, Any]], now: datetime) -> tuple[OnCall, ...]:
    """A row for each schedule."""
    return tuple(
        OnCall(
            line(r["schedule"]), line(r["who"] or ""), moment(parse_instant(r["until"]), now) if r["until"] else None
        )
        for r in rows
    )

"""Which incidents may leave the store, and when: decided from what they are and what the configuration says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.breach import Breach
from hutch.model.clock import ClockState
from hutch.model.incident import Incident
from hutch.model.todo import ItemState


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """A folder, a bucket or ``store``; empty: in the store's folder. Keys are references to secrets."""

    to: str = ""
    key: str = ""
    old_keys: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    endpoint: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveConfig:
    """``archive`` of ``hutch.yaml``. ``after``: how long after its resolution an incident is archived by itself, zero:
    never; one with a breach stays for ``breaches_after`` at least, whoever asks."""

    after: timedelta = timedelta()
    breaches_after: timedelta = timedelta(days=5 * 365)
    place: SharedPlace = field(default_factory=SharedPlace)


def kept_by(state: Incident, breach: Breach | None, now: datetime, config: ArchiveConfig) -> str:
    """Why it stays in the store, whoever asks; empty where it may go."""
    if state.resolved_at is None:
        return "it is open"
    if state.held:
        return f"a hold keeps it: {state.held}"
    if state.watch_until is not None:
        return f"it is watched for a regression until {state.watch_until:%Y-%m-%d %H:%M} UTC"
    owed = next((c.name for c in state.clocks if c.state is ClockState.RUNNING), "")
    if owed:
        return f"it still owes a promise: {owed}"
    item = next((i for i in state.items if i.state is ItemState.OPEN), None)
    if item:
        return f"its action item {item.number} is open"
    return _breach(breach, state.resolved_at, now, config)


def _breach(breach: Breach | None, resolved_at: datetime, now: datetime, config: ArchiveConfig) -> str:
    if breach is None:
        return ""
    gate = breach.next_gate()
    if gate:
        return f"its breach is not closed: {gate.title}"
    until = resolved_at + config.breaches_after
    return f"a breach stays until {until:%Y-%m-%d} (archive.breaches_after)" if now < until else ""


def is_due(state: Incident, now: datetime, config: ArchiveConfig) -> bool:
    """Whether it is old enough to be archived by itself."""
    return bool(config.after) and state.resolved_at is not None and now >= state.resolved_at + config.after

"""The freeze of all changes: a stream of its own in the log, so that every process on every machine sees it."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.event import Draft, Event

STREAM = "hutch:freeze"
"""Where freezes and thaws are written."""

FROZEN, THAWED = "changes.frozen", "changes.thawed"
"""The kinds of its events."""


def reason_of(events: Sequence[Event]) -> str:
    """Why changes are frozen, by the last event of the stream; empty when they are not."""
    last = events[-1] if events else None
    if last is None or last.kind == THAWED:
        return ""
    return f"{last.data.get('reason') or 'no reason was given'} ({last.actor})"


def frozen_draft(reason: str, actor: str) -> Draft:
    """Stops every change."""
    return Draft(FROZEN, {"reason": reason}, actor)


def thawed_draft(actor: str) -> Draft:
    """Allows them again."""
    return Draft(THAWED, {}, actor)

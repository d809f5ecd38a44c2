"""Drafts as the events that they will be, for folding what is not yet written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from hutch.model.event import Draft, Event


def as_events(stream: str, seq: int, drafts: Sequence[Draft], at: datetime) -> Iterator[Event]:
    """The events after ``seq``, at ``at``, without their place in the chain."""
    for number, draft in enumerate(drafts, start=seq + 1):
        yield Event(stream, number, at, draft.actor, draft.kind, draft.data, "", "", "", "")

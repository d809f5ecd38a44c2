"""Clocks: promises with a due time (DESIGN §5). Pure: the caller says what time it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class ClockState(StrEnum):
    """A clock ends as met (perhaps late) or cancelled; until then it runs."""

    RUNNING = "running"
    MET = "met"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise: ``name`` is ``response``, ``update`` or ``review``; ``number`` counts its repeats.

    ``warn_at`` is when its owner is warned before it is due.
    """

    name: str
    number: int
    start: datetime
    due: datetime
    state: ClockState = ClockState.RUNNING
    ended_at: datetime | None = None
    warned: bool = False
    overdue_said: bool = False

    @property
    def id(self) -> str:
        """``update-2``: unique in its incident."""
        return f"{self.name}-{self.number}"

    @property
    def warn_at(self) -> datetime:
        """A quarter of the promised time is left."""
        return self.due - (self.due - self.start) / 4

    @property
    def late_by(self) -> timedelta:
        """How late it was met; zero when in time or not met."""
        if self.state is not ClockState.MET or self.ended_at is None:
            return timedelta(0)
        return max(self.ended_at - self.due, timedelta(0))

    def met(self, at: datetime) -> Clock:
        """Kept (or late) at ``at``."""
        return replace(self, state=ClockState.MET, ended_at=at)

    def cancelled(self, at: datetime) -> Clock:
        """No longer owed."""
        return replace(self, state=ClockState.CANCELLED, ended_at=at)

    def rings(self, now: datetime) -> str:
        """``overdue``, ``warning`` or nothing: what must be said at ``now`` and was not said yet."""
        if self.state is not ClockState.RUNNING:
            return ""
        if now >= self.due:
            return "" if self.overdue_said else "overdue"
        return "warning" if now >= self.warn_at and not self.warned else ""

    def rung(self, now: datetime) -> Clock:
        """After what :meth:`rings` says at ``now`` was said."""
        ring = self.rings(now)
        return replace(self, warned=True, overdue_said=ring == "overdue") if ring else self

    def next_ring(self) -> datetime | None:
        """When it next has something to say; None once it has said all or has ended."""
        if self.state is not ClockState.RUNNING or self.overdue_said:
            return None
        return self.due if self.warned else self.warn_at

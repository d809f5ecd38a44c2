"""Inactive → pending → firing, exactly as Prometheus moves an alert (rules/alerting.go, ``AlertingRule.Eval``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """Where a rule stands. Being without data is not a phase: see ``RuleState.blind_since``."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Track:
    """A phase and how it came about: since when the condition holds, and since when it fires without holding."""

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None
    kept: datetime | None = None

    @property
    def firing(self) -> bool:
        """Whether it fires."""
        return self.phase is Phase.FIRING


CALM = Track()
"""Nothing holds."""


def advance(track: Track, holds: bool, now: datetime, duration: timedelta, keep: timedelta = timedelta(0)) -> Track:
    """The track after one evaluation. One evaluation at which the condition does not hold ends what was pending.

    ``duration`` is Prometheus' ``for``, ``keep`` its ``keep_firing_for``.
    """
    if holds:
        since = track.since or now
        firing = track.firing or now - since >= duration
        return Track(Phase.FIRING if firing else Phase.PENDING, since)
    if track.firing and keep:
        kept = track.kept or now
        if now - kept < keep:
            return replace(track, kept=kept)
    return CALM

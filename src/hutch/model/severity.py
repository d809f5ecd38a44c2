"""Severities and the promises that each makes (the seed's "Severity Levels")."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from hutch.model.calendar import Calendar


class Severity(IntEnum):
    """SEV-1 is the worst: a smaller number is more urgent."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4

    @property
    def label(self) -> str:
        """``SEV-1`` … ``SEV-4``, as people write it."""
        return f"SEV-{int(self)}"

    @classmethod
    def of(cls, label: str) -> Severity:
        """The severity written as ``SEV-2``, ``sev2`` or ``2``. Raises ``ValueError``."""
        digits = label.strip().upper().removeprefix("SEV").lstrip("- ")
        if digits not in {"1", "2", "3", "4"}:
            raise ValueError(f"unknown severity {label!r}; one of: SEV-1, SEV-2, SEV-3, SEV-4")
        return cls(int(digits))


@dataclass(frozen=True, slots=True)
class Promise:
    """What a severity promises. ``None`` for update means "as needed": no clock.

    ``next_business_day`` replaces ``response`` where it is set (SEV-4): due when that day closes in ``calendar``.
    """

    response: timedelta
    update: timedelta | None
    next_business_day: bool = False
    calendar: Calendar = field(default_factory=Calendar)

    def response_due(self, start: datetime) -> datetime:
        """When somebody must have answered what was detected at ``start``."""
        return self.calendar.next_day(start) if self.next_business_day else start + self.response


Policy = dict[Severity, Promise]

DEFAULT_POLICY: Policy = {
    Severity.SEV1: Promise(timedelta(minutes=5), timedelta(minutes=30)),
    Severity.SEV2: Promise(timedelta(hours=1), timedelta(hours=2)),
    Severity.SEV3: Promise(timedelta(hours=4), timedelta(days=1)),
    Severity.SEV4: Promise(timedelta(days=1), None, next_business_day=True),
}
"""The seed's table; *immediate* is acknowledged within 5 minutes (DESIGN §5)."""

REVIEW_WITHIN = timedelta(hours=48)
"""A post-incident review is promised within 48 hours of resolution (the seed)."""

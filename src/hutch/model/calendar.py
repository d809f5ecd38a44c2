"""Business hours: when people work, and when a promise by the next business day is due."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

LONGEST = 366
"""Days within which there is a business day, or the calendar has none."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days (0 is Monday) and hours on the clocks of ``zone``; on the days in ``off`` nobody works.

    ``off`` may work itself out, so that it never ends: it is only asked.
    """

    zone: tzinfo = UTC
    opens: time = time(9)
    closes: time = time(17)
    days: frozenset[int] = frozenset(range(5))
    off: Container[date] = field(default_factory=frozenset)

    def works(self, day: date) -> bool:
        """Whether people work on that day."""
        return day.weekday() in self.days and day not in self.off

    def next_day(self, start: datetime, number: int = 1) -> datetime:
        """When the ``number``-th business day after the day of ``start`` closes, in UTC.

        Raises ``ValueError`` where within a year there is no such day.

        >>> friday = datetime(2026, 1, 16, 23, 0, tzinfo=UTC)
        >>> Calendar().next_day(friday).isoformat()
        '2026-01-19T17:00:00+00:00'
        """
        day, left = start.astimezone(self.zone).date(), number
        for _ in range(LONGEST * max(number, 1)):
            day += timedelta(days=1)
            left -= self.works(day)
            if left == 0:
                return self.close_of(day)
        raise ValueError("the calendar has no business day within a year")

    def close_of(self, day: date) -> datetime:
        """When work ends on that day, in UTC."""
        return datetime.combine(day, self.closes, self.zone).astimezone(UTC)

    def open_at(self, at: datetime) -> bool:
        """Whether it is a business hour.

        >>> Calendar().open_at(datetime(2026, 1, 19, 9, 0, tzinfo=UTC))
        True
        """
        local = at.astimezone(self.zone)
        return self.works(local.date()) and self.opens <= local.time() < self.closes

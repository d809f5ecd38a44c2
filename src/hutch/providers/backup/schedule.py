"""When a backup is due: by an interval, or by five fields as cron has them, in UTC. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UNITS = {"m": 60, "h": 3600, "d": 86400}
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
SHORTEST = timedelta(minutes=1)
LOOK_BACK = timedelta(days=366 * 5)
"""How far back the last due time is looked for: past the longest gap that five fields can make (29 February)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """``every`` or ``fields``: the minutes, hours, days, months and weekdays (0 is Sunday) that match."""

    text: str
    every: timedelta | None = None
    fields: tuple[frozenset[int], ...] = ()
    either_day: bool = False  # day and weekday are both limited: as in cron, one of them is enough

    def last_due(self, now: datetime) -> datetime:
        """The latest time at or before ``now`` at which one was due. ``LookupError`` for a date that never comes."""
        now = now.astimezone(UTC)
        if self.every:
            return datetime.fromtimestamp(
                now.timestamp() // self.every.total_seconds() * self.every.total_seconds(), UTC
            )
        at = now.replace(second=0, microsecond=0)
        while now - at < LOOK_BACK:
            if not self._day(at):
                at = at.replace(hour=0, minute=0) - timedelta(minutes=1)
            elif at.hour not in self.fields[1]:
                at = at.replace(minute=0) - timedelta(minutes=1)
            elif at.minute not in self.fields[0]:
                at -= timedelta(minutes=1)
            else:
                return at
        raise LookupError(f"schedule {self.text!r} names no date that ever comes")

    def _day(self, at: datetime) -> bool:
        if at.month not in self.fields[3]:
            return False
        day, weekday = at.day in self.fields[2], at.isoweekday() % 7 in self.fields[4]
        return day or weekday if self.either_day else day and weekday


def schedule(text: str) -> Schedule:
    """``6h``, or ``30 2 * * *``. ``ValueError`` says what it must be.

    >>> schedule("30 2 * * 1-5").last_due(datetime(2026, 11, 29, 12, tzinfo=UTC)).isoformat()
    '2026-11-27T02:30:00+00:00'
    """
    words = text.split()
    if found := re.fullmatch(r"(\d+)\s*([mhd])", text.strip()):
        every = timedelta(seconds=int(found[1]) * UNITS[found[2]])
        if every < SHORTEST:
            raise ValueError("backup: schedule: an interval is a minute or longer")
        return Schedule(text, every)
    if len(words) != len(FIELDS):
        raise ValueError(
            f"backup: schedule must be an interval such as 6h, or MINUTE HOUR DAY MONTH WEEKDAY, not {text!r}"
        )
    fields = tuple(_field(word, *kind) for word, kind in zip(words, FIELDS, strict=True))
    weekdays = frozenset(day % 7 for day in fields[4])
    found_schedule = Schedule(text, None, (*fields[:4], weekdays), words[2] != "*" and words[4] != "*")
    try:
        found_schedule.last_due(datetime(2026, 1, 1, tzinfo=UTC))
    except LookupError as error:
        raise ValueError(f"backup: {error}") from None
    return found_schedule


def _field(word: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(n for part in word.split(",") for n in _part(part, name, low, high))


def _part(part: str, name: str, low: int, high: int) -> range:
    """``*``, ``*/15``, ``8-18/2``, ``5``."""
    found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
    first = int(found[1]) if found and found[1] else low
    last = (int(found[2]) if found[2] else first if found[1] and not found[3] else high) if found else low
    step = int(found[3]) if found and found[3] else 1
    if found is None or not low <= first <= last <= high or step < 1:
        raise ValueError(f"backup: schedule: {name} {part!r} must be within {low} and {high}, as 5, 1-5, */15 or *")
    return range(first, last + 1, step)

"""Times as people write them, on a command line or in a form."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hutch.commands.errors import CommandError
from hutch.model.calendar import Calendar
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import duration


def when(text: str, now: datetime, option: str) -> datetime:
    """A length of time back from ``now``, or a date or time; without a zone it is in UTC. Raises ``CommandError``.

    >>> when("2026-01-31", datetime(2026, 2, 1, tzinfo=UTC), "--since").isoformat()
    '2026-01-31T00:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now - _length(text, option)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def by(text: str, now: datetime, hours: Calendar, option: str) -> datetime:
    """A length of time ahead, a time, or a date: then when work ends on that day. Raises ``CommandError``."""
    try:
        return hours.close_of(date.fromisoformat(text))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now + _length(text, option, "ahead as 14d")
    return found if found.tzinfo else found.replace(tzinfo=hours.zone)


def _length(text: str, option: str, how: str = "back as 7d or 24h") -> timedelta:
    try:
        return duration(text)
    except RunbookError as error:
        raise CommandError(
            f"{option}: cannot read {text!r}; write a length of time {how}, or a date as 2026-01-31", 2
        ) from error

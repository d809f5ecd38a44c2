"""Times as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hutch.commands.errors import CommandError
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
        return now - _back(text, option)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _back(text: str, option: str) -> timedelta:
    try:
        return duration(text)
    except RunbookError as error:
        raise CommandError(
            f"{option}: cannot read {text!r}; write a length of time back as 7d or 24h, or a date as 2026-01-31", 2
        ) from error

"""Rate limits that are stepped up while an attack lasts: the active rows of `limit_steps` in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection

from rolerabbit.config import Limit

LEAST: Final = 3
"""What is still allowed however far a limit is stepped up: somebody may mistype."""
_ACTIVE: Final = "SELECT kind, divisor, stepped_until FROM limit_steps WHERE stepped_until > now()"


class Steps:
    """By kind of limit, how many times fewer are allowed and until when."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[tuple[int, datetime], ...]] = {}

    def replace(self, rows: Iterable[tuple[str, int, datetime]]) -> None:
        """Take these steps instead."""
        found: dict[str, tuple[tuple[int, datetime], ...]] = {}
        for kind, divisor, until in rows:
            found[kind] = (*found.get(kind, ()), (divisor, until))
        self._steps = found

    def stepped(self, kind: str, limit: Limit, now: datetime | None = None) -> Limit:
        """The limit as it is now: by the strictest step that has not ended.

        >>> Steps().stepped("login", Limit(60, 60))
        Limit(count=60, seconds=60)
        """
        steps = self._steps.get(kind)
        if not steps:
            return limit
        at = now or datetime.now(UTC)
        divisor = max((divisor for divisor, until in steps if until > at), default=1)
        return Limit(max(min(LEAST, limit.count), limit.count // divisor), limit.seconds)

    async def refresh(self, connection: AsyncConnection[Any]) -> None:
        """Read the table; it is short."""
        self.replace(await (await connection.execute(_ACTIVE)).fetchall())

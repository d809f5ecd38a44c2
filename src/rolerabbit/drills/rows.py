"""Whether rows that were there before a fault are still there after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rolerabbit.drills.service import Service

TABLES: Final = ("users", "user_sessions", "portfolios", "audit_logs", "security_logs")
"""Those that only grow: what is deleted there is only marked, and what ended stays as evidence."""

_COUNT: Final = "SELECT {columns} FROM (SELECT %s::timestamptz AS moment) AS at"
_OLD: Final = "(SELECT count(*) FROM {table} WHERE created_at <= at.moment)"


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows each table had at a moment."""

    moment: datetime
    counts: tuple[int, ...]

    @classmethod
    def counted(cls, service: Service) -> Rows:
        """As of a second ago, so that transactions that are under way don't matter."""
        moment = service.rows("SELECT now() - interval '1 second'")[0][0]
        return cls(moment, _counts(service, moment))

    def lost(self, service: Service) -> dict[str, int]:
        """The rows of that time that are gone, by table; tables that lost none are left out."""
        now = _counts(service, self.moment)
        missing = {table: then - there for table, then, there in zip(TABLES, self.counts, now, strict=True)}
        return {table: count for table, count in missing.items() if count > 0}


def _counts(service: Service, moment: datetime) -> tuple[int, ...]:
    columns = ", ".join(_OLD.format(table=table) for table in TABLES)
    return tuple(service.rows(_COUNT.format(columns=columns), moment)[0])

"""What a database gives for signals: connections, its size, what its statements cost, and a number by SQL of one's own.

Database CPU is not among them: no query tells it. It comes from the machine, a platform or CloudWatch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.action import Sample
from hutch.providers.postgres import checks
from hutch.providers.postgres.client import Client
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.queries import query

SIZED_EVERY = timedelta(seconds=30)
"""How often the size is asked for: the server looks at every file for it. Within the signal's window of a minute."""


@dataclass(slots=True)
class Figures:
    """One database's. What can't be had now is missing: no data is a state of its own."""

    client: Client
    config: Config
    now: Callable[[], datetime]
    sized_at: datetime | None = field(default=None)

    async def scrape(self) -> list[Sample]:
        """The samples of now; none when the server does not answer, fewer when this login may not see all."""
        try:
            found = await self._connections()
        except PostgresError:
            return []
        for more in (self._spent, self._size):
            with suppress(PostgresError):
                found += await more()
        return found

    async def ask(self, sql: str) -> float | None:
        """The number in the first column of the only row; None where there is no row or it is null.

        Read-only, by the reading login. Raises ``ValueError`` saying why there is no number.
        """
        try:
            table = await self.client.table(sql, None, self.config.statement_timeout)
        except PostgresError as error:
            raise ValueError(str(error)) from None
        if len(table.rows) > 1:
            raise ValueError(f"{len(table.rows)} rows where one is wanted: aggregate them, as count(*)")
        value = table.rows[0][0] if table.rows and table.rows[0] else None
        try:
            return None if value is None else float(value)
        except ValueError:
            raise ValueError("the first column is no number") from None

    async def _connections(self) -> list[Sample]:
        seen = await checks.connections(self.client, self.config)
        figures = {"db_connections": seen.data["used"], "db_connections_used": seen.data["percent"]}
        return [self._sample(name, value) for name, value in figures.items()]

    async def _spent(self) -> list[Sample]:
        """Counters: the signal divides their growth. Nothing where statements are not counted."""
        [able] = await self.client.rows(query("statements_available"))
        if not able["available"]:
            return []
        [row] = await self.client.rows(query("spent"))
        figures = {"db_queries_total": row["calls"], "db_query_milliseconds_total": row["milliseconds"]}
        return [self._sample(name, value, "counter") for name, value in figures.items()]

    async def _size(self) -> list[Sample]:
        at = self.now()
        if self.sized_at and at - self.sized_at < SIZED_EVERY:
            return []
        [row] = await self.client.rows(query("size"))
        self.sized_at = at
        return [self._sample("db_size", row["bytes"])]

    def _sample(self, name: str, value: object, kind: str = "gauge") -> Sample:
        return Sample(name, {}, float(str(value)), self.now(), kind)

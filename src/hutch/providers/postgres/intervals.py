"""What changed since the last look: counters are judged by their growth, never by their lifetime's totals.

The first time there is no earlier look, so the counters are read twice, ``gap`` seconds apart. Later the interval
reaches back to the look before. Checks that ask at the same time share one pair of readings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.queries import query

OURS = 12
"""Executions under our own login that are more than one diagnosis makes of any of its queries."""
OUR_SPILL = 1024.0 * 1024.0
"""Bytes that are more than the check of the disk writes at a time, some 0.3 MB."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one moment: of the database, and of each statement by its number (empty: not counted)."""

    at: float
    database: Row
    statements: Mapping[int, Row]


@dataclass(frozen=True, slots=True)
class Interval:
    """Two readings; ``first`` says that there was no earlier look to reach back to."""

    before: Reading
    after: Reading
    first: bool

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(self.after.at - self.before.at, 0.001)

    def grown(self, name: str) -> float:
        """How much a counter of the database has grown. One that fell was reset in between: it counts from zero."""
        return growth(self.before.database, self.after.database, name)

    def rate(self, name: str) -> float:
        """Its growth a second."""
        return self.grown(name) / self.seconds

    def looking(self) -> tuple[float, int]:
        """Bytes and files that our own looks put on the server's disk: the check of the disk writes a little. What the
        same login writes otherwise counts as anybody's."""
        login, block = self.after.database["login"], float(self.after.database["block_size"])
        rows = [row for row in self.statements() if row["temp_written"] and row["userid"] == login]
        ours = [r for r in rows if r["calls"] < OURS and r["temp_written"] * block / r["calls"] < OUR_SPILL]
        return sum(row["temp_written"] * block for row in ours), int(sum(row["calls"] for row in ours))

    def statements(self) -> list[Row]:
        """What each statement that ran has cost, by the names of the counters."""
        before = self.before.statements
        found = [_cost(row, before.get(id)) for id, row in self.after.statements.items()]
        return [row for row in found if row["calls"] > 0]


def growth(before: Row | None, after: Row, name: str) -> float:
    """The growth of one counter; one that fell, or is new, counts from zero."""
    now, then = float(after[name] or 0), float((before or {}).get(name) or 0)
    return now - then if now >= then else now


_COUNTERS = ("calls", "milliseconds", "hits", "reads", "temp_written")


def _cost(after: Row, before: Row | None) -> Row:
    return {**after, **{name: growth(before, after, name) for name in _COUNTERS}}


@dataclass(slots=True)
class Intervals:
    """One database's. Remembers the last reading for the next look."""

    client: Client
    config: Config
    _last: Reading | None = None
    _shared: Interval | None = None
    _failed: tuple[float, PostgresError] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    now: Callable[[], float] = time.monotonic

    async def latest(self) -> Interval:
        """The interval up to now. Raises :class:`PostgresError`."""
        asked = self.now()
        async with self._turn:
            if self._failed and self._failed[0] > asked:
                raise self._failed[1].again()
            if self._shared is None or self.now() - self._shared.after.at > self.config.sample_gap / 2:
                self._shared = await self._noted(self._next())
            return self._shared

    async def _noted(self, reading: Awaitable[Interval]) -> Interval:
        """Whoever waited for this reading need not run into its failure once more."""
        try:
            return await reading
        except PostgresError as error:
            self._failed = (self.now(), error)
            raise

    async def again(self, seconds: float) -> Interval:
        """The same interval, reaching ``seconds`` further. Raises :class:`PostgresError`."""
        shared = await self.latest()
        await asyncio.sleep(seconds)
        return Interval(shared.before, await self._read(), shared.first)

    async def _next(self) -> Interval:
        before, first = self._last, False
        age = self.now() - before.at if before else 0.0
        if before is None or not self.config.sample_gap <= age <= self.config.care.interval_longest:
            before, first = await self._read(), True
            await asyncio.sleep(self.config.sample_gap)
        self._last = await self._read()
        return Interval(before, self._last, first)

    async def _read(self) -> Reading:
        [database], statements = await asyncio.gather(
            self.client.rows(query("database_counters")), counted(self.client)
        )
        return Reading(self.now(), database, {row["queryid"]: row for row in statements})


async def counted(client: Client) -> list[Row]:
    """The counters of every statement of this database; none where they are not counted."""
    [row] = await client.rows(query("statements_available"))
    return await client.rows(query("statement_costs")) if row["available"] else []

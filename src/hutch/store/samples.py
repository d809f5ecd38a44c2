"""What signals were, in rings of fixed size: a table beside the log, in a SQLite file of its own or on Postgres.

Samples are no events: the last seconds may be lost when a process is killed, and nothing waits for them. So the file is
not the log's, and is not synced at each write.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    case,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from hutch.model.bins import Bin, Ring, Track, first, fitting, rings
from hutch.store.aside import made

T = TypeVar("T")

log = logging.getLogger("hutch.samples")

FLUSH_SECONDS = 15.0
"""How often what was recorded is written."""

SIGNALS = 5000
"""The most signals of all services that are kept: names without bounds must not fill the disk."""

metadata = MetaData()
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("signal", Text, nullable=False),
    UniqueConstraint("service", "signal", name="series_name"),
)
samples = Table(
    "samples",
    metadata,
    Column("series", Integer, primary_key=True),
    Column("step", BigInteger, primary_key=True),  # milliseconds
    Column("slot", Integer, primary_key=True),
    Column("start", BigInteger, nullable=False),  # milliseconds since 1970
    Column("count", Integer, nullable=False),
    *(Column(name, Float, nullable=False) for name in ("total", "low", "high", "last")),
)

Key = tuple[str, str, Ring, int]  # service, signal, ring, start
Pending = Mapping[Key, Bin]


class SampleTable:
    """Implements :class:`hutch.ports.Samples` over an engine, which is made at the first use and used in a thread."""

    def __init__(self, engine: Callable[[], Engine], time_scale: float = 1.0) -> None:
        self.lost = 0
        self._make = engine
        self._engine: Engine | None = None
        self._rings = rings(time_scale)
        self._pending: dict[Key, Bin] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._turn = asyncio.Lock()
        self._making = threading.Lock()
        self._flushed = -math.inf
        self._task: asyncio.Task[None] | None = None

    async def record(self, service: str, at: datetime, values: Mapping[str, float]) -> None:
        """Remember what the signals are now; written within ``FLUSH_SECONDS``. Waits for nothing."""
        for name, value in values.items():
            if math.isfinite(value):
                for ring in self._rings:
                    self._add((service, name, ring, ring.start(at)), value)
        now = asyncio.get_running_loop().time()
        if now - self._flushed >= FLUSH_SECONDS and (self._task is None or self._task.done()):
            self._flushed = now
            self._task = asyncio.create_task(self.flush(), name="samples")

    async def read(self, service: str, signal: str, start: datetime, end: datetime) -> Track:
        """The signal from ``start`` to ``end``, as fine as it was kept."""
        await self.flush()
        ring = fitting(self._rings, start, end)
        nothing: list[Bin] = []
        found = await self._try(lambda c: _read(c, service, signal, ring, start, end), nothing)
        return Track(ring.step, tuple(found))

    async def flush(self) -> None:
        """Write what is not written yet. What cannot be written is lost, and said."""
        async with self._turn:
            pending, self._pending = self._pending, {}
            if pending and not await self._try(lambda c: self._write(c, pending), False):
                self.lost += len(pending)

    async def close(self) -> None:
        """Write what is not written yet, and let go of the table. Harmless when nothing was used."""
        if self._task:
            await self._task
        await self.flush()
        if self._engine:
            await asyncio.to_thread(self._engine.dispose)

    def _add(self, key: Key, value: float) -> None:
        new, known = first(key[3], value), self._pending.get(key)
        self._pending[key] = known.plus(new) if known else new

    async def _try(self, work: Callable[[Connection], T], otherwise: T) -> T:
        try:
            return await asyncio.to_thread(self._within, work)
        except (SQLAlchemyError, OSError) as error:
            log.warning("what signals were cannot be kept: %s", type(error).__name__)
            return otherwise

    def _within(self, work: Callable[[Connection], T]) -> T:
        with self._making:  # looks at several signals begin at once, and one engine is enough
            if self._engine is None:
                self._engine = made(self._make, metadata)
        with self._engine.begin() as connection:
            return work(connection)

    def _write(self, connection: Connection, pending: Pending) -> bool:
        rows = [_row(self._id(connection, key[0], key[1]), key[2], one) for key, one in pending.items()]
        known = [row for row in rows if row["series"]]
        if known:
            connection.execute(_upsert(connection), known)
        return True

    def _id(self, connection: Connection, service: str, signal: str) -> int:
        """The number of a series; 0 where there are too many."""
        if (service, signal) not in self._ids and len(self._ids) < SIGNALS:
            new = _inserting(connection, series).values(service=service, signal=signal).on_conflict_do_nothing()
            connection.execute(new)
            self._ids[service, signal] = _find(connection, service, signal)
        return self._ids.get((service, signal), 0)


def _find(connection: Connection, service: str, signal: str) -> int:
    query = select(series.c.id).where(series.c.service == service, series.c.signal == signal)
    return int(connection.scalar(query) or 0)


def _row(number: int, ring: Ring, one: Bin) -> dict[str, float]:
    place = {"series": number, "step": ring.milliseconds, "slot": ring.slot(one.start), "start": one.start}
    return {**place, "count": one.count, "total": one.total, "low": one.low, "high": one.high, "last": one.last}


def _inserting(connection: Connection, table: Table) -> Any:
    """An insert that may meet a row that is there, in this database's way."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def _upsert(connection: Connection) -> Any:
    """Adds to a bin of the same time, takes the place of an older one, leaves a newer one alone."""
    new = _inserting(connection, samples)
    same = samples.c.start == new.excluded.start

    def either(name: str, merged: Any) -> Any:
        return case((same, merged), else_=new.excluded[name])

    low, high = samples.c.low, samples.c.high
    changed = {
        "start": new.excluded.start,
        "count": either("count", samples.c.count + new.excluded["count"]),
        "total": either("total", samples.c.total + new.excluded.total),
        "low": case((same & (low < new.excluded.low), low), else_=new.excluded.low),
        "high": case((same & (high > new.excluded.high), high), else_=new.excluded.high),
        "last": new.excluded.last,
    }
    place = [samples.c.series, samples.c.step, samples.c.slot]
    return new.on_conflict_do_update(index_elements=place, set_=changed, where=samples.c.start <= new.excluded.start)


def _read(connection: Connection, service: str, signal: str, ring: Ring, start: datetime, end: datetime) -> list[Bin]:
    number = _find(connection, service, signal)
    query = (
        select(*(samples.c[name] for name in ("start", "count", "total", "low", "high", "last")))
        .where(samples.c.series == number, samples.c.step == ring.milliseconds)
        .where(samples.c.start >= ring.start(start), samples.c.start <= ring.start(end))
        .order_by(samples.c.start)
    )
    return [Bin(*row) for row in connection.execute(query)]

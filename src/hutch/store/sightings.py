"""What probes saw last: one row for each probe and location, replaced by the next, for every process to read.

Beside the samples, and as little an event as those: in a SQLite file that is not synced at each write, or on Postgres.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Column, Engine, MetaData, Table, Text, delete, select

from hutch.model.duty import probing
from hutch.model.event import instant
from hutch.model.probe import Sighting, as_data, sighting_from
from hutch.store.aside import Aside
from hutch.store.duties import Row, put_where_owned

log = logging.getLogger("hutch.probes")

metadata = MetaData()
sightings = Table(
    "sightings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("service", Text, nullable=False, index=True),
    Column("at", Text, nullable=False),
    Column("data", Text, nullable=False),
)


class SightingTable(Aside):
    """Implements :class:`hutch.ports.Sightings`."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        super().__init__(engine, metadata, "what probes saw cannot be kept or read", log)

    async def keep(self, seen: Sequence[Sighting], holder: str = "") -> bool:
        """Put these in the place of what was there; False where they cannot be written. With a ``holder``, only those
        that it is to look at: what another looks at by now is passed over."""
        mine: dict[str, list[Row]] = {}
        for s in seen:
            row = {"key": s.key, "service": s.service, "at": instant(s.at), "data": json.dumps(as_data(s))}
            mine.setdefault(probing(s.location, s.service), []).append(row)
        return await self._try(
            lambda c: all(put_where_owned(c, sightings, rows, holder, duty) for duty, rows in mine.items()), False
        )

    async def latest(self, service: str = "") -> list[Sighting]:
        """What was seen last, of that service or of all; what another version wrote is left out."""
        query = select(sightings.c.data).where(sightings.c.service == service if service else sightings.c.key != "")
        nothing: list[str] = []
        found = []
        for text in await self._try(lambda c: [str(row.data) for row in c.execute(query)], nothing):
            with suppress(ValueError):
                found.append(sighting_from(json.loads(text)))
        return found

    async def forget(self, before: datetime) -> None:
        """Let go of what has not been renewed since: of probes that are no longer configured."""
        await self._try(lambda c: bool(c.execute(delete(sightings).where(sightings.c.at < instant(before)))), False)

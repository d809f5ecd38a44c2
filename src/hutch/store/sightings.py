"""What probes saw last: one row for each probe and location, replaced by the next, for every process to read.

Beside the samples, and as little an event as those: in a SQLite file that is not synced at each write, or on Postgres.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from hutch.model.event import instant
from hutch.model.probe import Sighting, as_data, sighting_from
from hutch.store.aside import Aside

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

    async def keep(self, seen: Sequence[Sighting]) -> bool:
        """Put these in the place of what was there; False where they cannot be written."""
        rows = [
            {"key": s.key, "service": s.service, "at": instant(s.at), "data": json.dumps(as_data(s), ensure_ascii=True)}
            for s in seen
        ]
        return await self._try(lambda c: _put(c, rows), False)

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


def _put(connection: Connection, rows: list[dict[str, str]]) -> bool:
    new: Any = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(sightings)
    changed = {name: new.excluded[name] for name in ("service", "at", "data")}
    if rows:
        connection.execute(new.on_conflict_do_update(index_elements=["key"], set_=changed), rows)
    return True

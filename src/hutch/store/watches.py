"""What the watching process saw of each service last, beside the samples: one row for each, replaced by the next."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, select
from sqlalchemy.dialects import postgresql, sqlite

from hutch.model.event import instant
from hutch.store.aside import Aside

log = logging.getLogger("hutch.monitor")

metadata = MetaData()
watches = Table(
    "watches",
    metadata,
    Column("service", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("data", Text, nullable=False),
)


class WatchTable(Aside):
    """Implements :class:`hutch.model.duty.Watches`."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        super().__init__(engine, metadata, "where the rules stand cannot be kept or read", log)

    async def keep(self, service: str, at: datetime, data: Mapping[str, Any]) -> None:
        """Put this in the place of what was there."""
        row = {"service": service, "at": instant(at), "data": json.dumps(dict(data), ensure_ascii=True)}
        await self._try(lambda c: _put(c, row), False)

    async def latest(self, services: Sequence[str] = ()) -> list[Mapping[str, Any]]:
        """What was kept; what another version wrote and nobody can read is left out."""
        query = select(watches.c.data).order_by(watches.c.service)
        if services:
            query = query.where(watches.c.service.in_(services))
        nothing: list[str] = []
        found = []
        for text in await self._try(lambda c: [str(row.data) for row in c.execute(query)], nothing):
            with suppress(ValueError):
                found.append(json.loads(text))
        return [one for one in found if isinstance(one, dict)]


def _put(connection: Connection, row: dict[str, str]) -> bool:
    new: Any = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(watches)
    changed = {name: new.excluded[name] for name in ("at", "data")}
    connection.execute(new.on_conflict_do_update(index_elements=["service"], set_=changed), [row])
    return True

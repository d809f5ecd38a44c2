"""What the watching process saw of each service last, and what it has to remember for the next one, beside the samples:
one row for each, replaced by the next. What is written by a process that no longer watches the service is refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, select

from hutch.model.duty import watching
from hutch.model.event import instant
from hutch.store.aside import Aside
from hutch.store.duties import put_where_owned

log = logging.getLogger("hutch.monitor")

metadata = MetaData()
watches = Table(
    "watches",
    metadata,
    Column("service", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("data", Text, nullable=False),
)


memories = Table(
    "memories",
    metadata,
    Column("service", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("data", Text, nullable=False),
)


class WatchTable(Aside):
    """Implements :class:`hutch.model.duty.Watches`."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        super().__init__(engine, metadata, "where the rules stand cannot be kept or read", log)

    async def keep(
        self, service: str, at: datetime, data: Mapping[str, Any], memory: Any = None, holder: str = ""
    ) -> None:
        """Put this in the place of what was there."""
        await self._try(lambda c: _put(c, service, at, {watches: dict(data), memories: memory}, holder), False)

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

    async def recall(self, service: str) -> Any:
        """What was remembered of this service."""
        query = select(memories.c.data).where(memories.c.service == service)
        text = await self._try(lambda c: c.scalar(query), None)
        with suppress(ValueError):
            return json.loads(text) if text else None
        return None


def _put(connection: Connection, service: str, at: datetime, told: Mapping[Table, Any], holder: str) -> bool:
    for table, data in told.items():
        if data is not None:
            row = {"service": service, "at": instant(at), "data": json.dumps(data, ensure_ascii=True)}
            put_where_owned(connection, table, [row], holder, watching(service))
    return True

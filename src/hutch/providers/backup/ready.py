"""Whether a backup could be made and proved now: said by day, and not by the night that finds it out."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hutch.model.finding import Finding, Status
from hutch.providers.backup import server, tools
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.queries import query
from hutch.providers.backup.scratch import leftovers

CHECK = "backup.ready"
FRESH = timedelta(minutes=10)
"""How long an answer holds: rights and programs change seldom, and a service is diagnosed every 30 s."""
SHOWN = 3


@dataclass(slots=True)
class Ready:
    """The check ``backup.ready``: programs, rights, room for what is not encrypted, and what was left behind."""

    config: Config
    target: str
    now: Callable[[], datetime]
    known: Finding | None = field(default=None, init=False)

    async def __call__(self) -> Finding:
        """Look, or say what was seen a few minutes ago. It never leaves health undecided."""
        at = self.now()
        if self.known is None or at - self.known.at >= FRESH or self.known.status is not Status.OK:
            started = time.monotonic()
            self.known = replace(await self._look(at), seconds=time.monotonic() - started)
        return self.known

    async def _look(self, at: datetime) -> Finding:
        try:
            lacking = (*await self._source(), *await self._scratch(), *_room(self.config))
            left = await leftovers(self.config.scratch_url, self.config.connect_timeout)
        except BackupError as error:
            said = f"could not look: {error}"
            return Finding(CHECK, self.target, Status.UNKNOWN, said, at, matters=False, reason=str(error))
        notes = [] if self.config.key else ["backups are not encrypted (setting key)"]
        notes += [f"left by one that was killed, the next proof drops it: {name}" for name in left[:SHOWN]]
        if lacking:
            return Finding(
                CHECK, self.target, Status.WARN, lacking[0], at, evidence=(*lacking[1:], *notes), matters=False
            )
        said = "a backup can be made and proved" + ("" if self.config.key else ", and is not encrypted")
        return Finding(CHECK, self.target, Status.OK, said, at, evidence=tuple(notes), matters=False)

    async def _source(self) -> tuple[str, ...]:
        """What is wrong with the programs, or with the login that reads."""
        async with server.connected(self.config.url, self.config.connect_timeout) as session:
            version = (await server.facts(session)).identity.version // 10000
            closed = (await server.one(session, query("unreadable")))["names"] or []
        lacking = []
        try:
            await tools.find(self.config.tools, version)
        except BackupError as error:
            lacking.append(str(error))
        if closed:
            more = f" and {len(closed) - SHOWN} more" if len(closed) > SHOWN else ""
            lacking.append(
                f"the login of url may not read {', '.join(closed[:SHOWN])}{more}: GRANT pg_read_all_data to it"
            )
        return tuple(lacking)

    async def _scratch(self) -> tuple[str, ...]:
        async with server.connected(self.config.scratch_url, self.config.connect_timeout) as session:
            able = (await server.one(session, query("may_create")))["able"]
        where = server.place(self.config.scratch_url)
        return (
            () if able else (f"the login at {where} may not create a scratch database: give it CREATEDB (scratch_url)",)
        )


def _room(config: Config) -> Iterator[str]:
    folder = config.work or tempfile.gettempdir()
    if not os.access(folder, os.W_OK | os.X_OK):
        yield f"{folder} cannot be written to (setting work)"

"""``migrate.breaking``: which migrations applied since a time older code can't live with. A roll-back asks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.model.action import Command, Outcome, Result
from hutch.model.event import instant, parse_instant
from hutch.providers.migrations.breaking import breaking
from hutch.providers.migrations.client import Client, MigrationsError
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.files import File
from hutch.providers.migrations.look import look, quoted
from hutch.providers.migrations.queries import query

UNTIMED = ("command", "alembic")
"""Tools that note no time."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """Answers ``migrate.breaking`` with ``since``; without it every breaking version is ``untold``."""

    client: Client
    config: Config

    async def __call__(self, command: Command) -> Outcome:
        """JSON: ``breaking`` are those applied since then, ``untold`` those of which nobody knows when."""
        try:
            since = parse_instant(str(command.args["since"])) if command.args.get("since") else None
            picture, times = await look(self.client, self.config), await self._times()
        except (MigrationsError, ValueError) as error:
            away = isinstance(error, MigrationsError) and error.away
            return Outcome(Result.FAILED, str(error), recoverable=away)
        wanted = [s.version for s in picture.of("applied", "half-applied") if s.version not in self.config.harmless]
        files = [picture.files[version] for version in wanted if version in picture.files]
        found = _since(files, times, since)
        told = {"breaking": found, "untold": _untold(files, times, since)}
        return Outcome(Result.DONE, f"{len(found)} migrations since then break older code", json.dumps(told), 0)

    async def _times(self) -> dict[str, datetime]:
        if self.config.tool in UNTIMED:
            return {}
        if not await self.client.rows(query("table"), {"table": quoted(self.config.table)}):
            return {}
        rows = await self.client.rows(query("times", self.config.table))
        return {str(row["version"]): row["at"].astimezone(UTC) for row in rows if row["at"]}


def _since(files: Sequence[File], times: Mapping[str, datetime], since: datetime | None) -> list[dict[str, object]]:
    if since is None:
        return []
    later = [file for file in files if file.version in times and times[file.version] > since]
    return [
        {"version": one.version, "name": one.name, "why": list(one.why), "at": instant(times[one.version])}
        for one in breaking(later)
    ]


def _untold(files: Sequence[File], times: Mapping[str, datetime], since: datetime | None) -> list[str]:
    doubtful = [file for file in files if since is None or file.version not in times]
    return [file.version for file in doubtful if breaking([file])]

"""How old the newest proved backup is, whether one is due, and what was left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.action import Sample
from hutch.model.finding import Finding, Status
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.causes import CHECK
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.manifest import Backup, Catalogue
from hutch.providers.backup.words import age

FRESH = timedelta(seconds=15)
"""How long what the place holds is taken as known: S3 bills each look."""
SIGNAL = "backup_age"


@dataclass(slots=True)
class Age:
    """The check ``backup.age``, and the signal of the same."""

    config: Config
    shelf: Shelf
    database: str
    target: str
    now: Callable[[], datetime]
    known: tuple[datetime, Catalogue] | None = field(default=None, init=False)

    async def __call__(self) -> Finding:
        """Look; bad when the newest proved backup is older than ``max_age``, or there is none."""
        started, at = time.monotonic(), self.now()
        try:
            found = await self.catalogue()
        except BackupError as error:
            took = time.monotonic() - started
            return Finding(CHECK, self.target, Status.UNKNOWN, f"could not look: {error}", at, took, reason=str(error),
                           matters=False)  # fmt: skip
        late = self._late(found, at)
        proved, newest = found.newest_proved, found.find("")
        data = {
            "database": self.database,
            "newest": newest.manifest.id if newest else "",
            "provable": bool(newest) and newest is not proved and self._fresh(newest, at),
            "age_hours": round((at - proved.manifest.at).total_seconds() / 3600, 2) if proved else None,
        }
        status = Status.BAD if late else Status.OK
        told = late or (
            f"the newest proved backup is {age(at - proved.manifest.at)} old" if proved else "no backup yet"
        )
        took = time.monotonic() - started
        return Finding(CHECK, self.target, status, told, at, took, data, _evidence(found, at), matters=False)

    def _late(self, found: Catalogue, at: datetime) -> str:
        if not self.config.max_age:
            return ""
        limit, proved = age(self.config.max_age), found.newest_proved
        if proved is None:
            return (
                f"no backup of {self.database} was ever proved by restoring it"
                if found.backups
                else (f"there is no backup of {self.database}")
            )
        old = at - proved.manifest.at
        return (
            f"the newest proved backup of {self.database} is {age(old)} old; max_age is {limit}"
            if (old > self.config.max_age)
            else ""
        )

    def _fresh(self, backup: Backup | None, at: datetime) -> bool:
        """Whether proving it would do: it is not too old itself, and did not fail."""
        return bool(backup and backup.state == "unproved" and at - backup.manifest.at <= self.config.max_age)

    async def scrape(self) -> list[Sample]:
        """``backup_age`` in hours; nothing while there is no proved backup, or the place does not answer."""
        try:
            found = (await self.catalogue()).newest_proved
        except BackupError:
            return []
        at = self.now()
        return [Sample(SIGNAL, {}, (at - found.manifest.at).total_seconds() / 3600, at)] if found else []

    async def catalogue(self) -> Catalogue:
        """What the place holds, a few seconds old at the most while it answers."""
        at = self.now()
        if self.known is None or at - self.known[0] >= FRESH:
            try:
                self.known = (at, await asyncio.to_thread(self.shelf.catalogue))
            except BackupError:
                if self.known is None:
                    raise  # else what was known holds, and grows older
        return self.known[1]


def _evidence(found: Catalogue, at: datetime) -> tuple[str, ...]:
    newest = found.find("")
    lines = (
        [f"the newest is {newest.manifest.id}, {age(at - newest.manifest.at)} old, {newest.state}"] if newest else []
    )
    lines += [f"{newest.manifest.id}: {p}" for p in newest.proof.problems[:3]] if newest and newest.proof else []
    lines += [f"{len(found.unfinished)} unfinished: {', '.join(found.unfinished[:3])}"] if found.unfinished else []
    lines += [f"{id_} can't be read: {why}" for id_, why in list(found.unreadable.items())[:3]]
    return tuple(lines)

"""When the configuration asks for a backup, and for deleting what is no longer kept."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.event import instant
from hutch.model.timed import Due, Timed
from hutch.providers.backup.checks import Age
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.looks import kept_of
from hutch.providers.backup.manifest import new_id
from hutch.providers.backup.retention import kept


@dataclass(frozen=True, slots=True)
class Calendar:
    """Looks through the eyes of the check: the place is asked seldom."""

    age: Age

    def timed(self) -> tuple[Timed, ...]:
        """What is configured."""
        config = self.age.config
        making = (Timed("backup.create", f"Scheduled backup of {self.age.shelf.service}", self.backup),)
        pruning = (
            Timed("backup.prune", f"Delete backups of {self.age.shelf.service} that are not kept", self.pruning),
        )
        return (*(making if config.schedule else ()), *(pruning if config.prune_scheduled else ()))

    async def backup(self) -> Due | None:
        """Due when no backup is as new as the last time of the schedule: what was missed is made up for, once."""
        schedule, now = self.age.config.schedule, self.age.now()
        if schedule is None:
            return None
        wanted = schedule.last_due(now)
        try:
            newest = (await self.age.catalogue()).find("")
        except BackupError:
            newest = None  # the run that cannot store it says so
        if newest and newest.manifest.at >= wanted:
            return None
        prove = {"verify": True} if self.age.config.verify_scheduled else {}
        return Due(instant(wanted), {"backup": new_id(now), "reason": "scheduled", **prove})

    async def pruning(self) -> Due | None:
        """Due when a newer backup made others needless. Never while there is none that was proved."""
        try:
            found = await self.age.catalogue()
        except BackupError:
            return None
        reasons = kept([kept_of(b) for b in found.backups], self.age.config.keep)
        gone = [b.manifest.id for b in found.backups if b.manifest.id not in reasons]
        if not gone or found.newest_proved is None:
            return None
        return Due(" ".join(gone), {"backups": gone})

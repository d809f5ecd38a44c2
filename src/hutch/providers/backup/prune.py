"""``backup.prune``: deletes named backups that the configuration no longer keeps. What is gone does not come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.backup import server
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.dump import cleaned, lock_name
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.looks import kept_of
from hutch.providers.backup.manifest import Backup, Catalogue
from hutch.providers.backup.retention import kept
from hutch.providers.backup.words import megabytes

Args = Mapping[str, object]
UNDO = "none: a deleted backup is gone"


@dataclass(frozen=True, slots=True)
class Prune:
    """``args``: ``backups``, the names that were approved; one that is kept again by then is left."""

    config: Config
    shelf: Shelf
    effect: Effect = Effect.DESTROY

    async def preview(self, args: Args) -> Preview:
        """Which of the named ones would go, and why the others stay."""
        try:
            named = _named(args)
            found = await asyncio.to_thread(self.shelf.catalogue)
        except BackupError as error:
            return Preview("can't tell what would be deleted", 0, undo=UNDO, refused=str(error))
        going = self._going(found, named)
        size = megabytes(sum(b.manifest.size for b in going))
        return Preview(f"deletes {len(going)} backups, {size}", len(going), tuple(b.manifest.id for b in going), UNDO)

    async def apply(self, args: Args) -> Outcome:
        """Delete them, each one's manifest first, and what was begun and never ended."""
        started = time.monotonic()
        try:
            named = _named(args)
            found = await asyncio.to_thread(self.shelf.catalogue)
            going = self._going(found, named)
            for backup in going:
                await asyncio.to_thread(self.shelf.remove, backup.manifest.id)
            more = await self._cleaned(found)
        except BackupError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=error.passing)
        told = f"deleted {len(going)} backups{f', and {len(more)} that were never finished' if more else ''}"
        lines = "\n".join(b.manifest.id for b in going)
        return Outcome(Result.DONE, told, lines, seconds=time.monotonic() - started, hits=len(going))

    async def verify(self, args: Args) -> Verification:
        """Passed when none of the named ones is there that need not be."""
        try:
            named = _named(args)
            found = await asyncio.to_thread(self.shelf.catalogue)
        except BackupError as error:
            return Verification(Verified.UNKNOWN, str(error))
        left = self._going(found, named)
        if left:
            return Verification(Verified.FAILED, f"{len(left)} are still there", tuple(b.manifest.id for b in left))
        return Verification(Verified.PASSED, f"none of the {len(named)} is there any more, or it is kept again")

    def _going(self, found: Catalogue, named: tuple[str, ...]) -> list[Backup]:
        reasons = kept([kept_of(b) for b in found.backups], self.config.keep)
        return [b for b in found.backups if b.manifest.id in named and b.manifest.id not in reasons]

    async def _cleaned(self, found: Catalogue) -> tuple[str, ...]:
        """Only while nobody makes one. A database that is away hinders nothing: the next backup cleans up."""
        if not found.unfinished:
            return ()
        try:
            async with server.connected(self.config.url, self.config.connect_timeout) as session:
                return await cleaned(self.shelf) if await server.held(session, lock_name(self.shelf)) else ()
        except BackupError:
            return ()


def _named(args: Args) -> tuple[str, ...]:
    named = args.get("backups")
    if not isinstance(named, list | tuple) or not named or not all(isinstance(n, str) for n in named):
        raise BackupError("backup.prune deletes only what is named: backups: [ID, …]; `hutch backup prune` names them")
    return tuple(named)

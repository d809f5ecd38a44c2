"""``backup.create``: costs the database one reading transaction, and changes nothing in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.backup import server, tools
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.dump import Wish, create
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.manifest import ID, new_id
from hutch.providers.backup.verify import Verify
from hutch.providers.backup.words import megabytes

Args = Mapping[str, object]
KNOWN = ("backup", "reason", "keep", "kind", "verify")
UNDO = "delete the backup; the database is not changed"


@dataclass(slots=True)
class Create:
    """``args``: ``backup``, the name that it gets (else one of its time); ``reason``; ``keep``: never prune it;
    ``verify``: prove it at once by restoring it."""

    config: Config
    shelf: Shelf
    now: Callable[[], datetime]
    prove: Verify
    effect: Effect = Effect.CHANGE
    last: str = field(default="", init=False)

    async def preview(self, args: Args) -> Preview:
        """What is dumped where; refused where it could not begin."""
        try:
            _wish(args, "")
            async with server.connected(self.config.url, self.config.connect_timeout) as session:
                known = await server.facts(session)
            programs = await tools.find(self.config.tools, known.identity.version // 10000)
        except BackupError as error:
            return Preview("can't make a backup", 0, undo=UNDO, refused=str(error))
        key = self.shelf.keys.current
        how = f"encrypted with key {key.id}" if key else "NOT encrypted (setting key)"
        items = (
            f"{megabytes(known.bytes)} of Postgres {known.identity.version // 10000}, by pg_dump {programs.major},"
            f" format {self.config.format}",
            f"to {self.shelf.place.name}/{self.shelf.service}, {how}",
            "reads in one transaction, changes nothing, and holds up no reader or writer",
        )
        return Preview(f"makes a backup of {known.identity.database}", 1, items, UNDO)

    async def apply(self, args: Args) -> Outcome:
        """Make it. One that failed or was cancelled leaves nothing behind."""
        started = time.monotonic()
        try:
            wish = _wish(args, new_id(self.now()))
            made = await create(self.config, self.shelf, wish, self.now)
        except BackupError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=error.passing)
        self.last = made.id
        lines = [f"{t.rows:>12} rows  {t.name}" for t in made.tables]
        what = f"{len(made.tables)} tables, {made.rows} rows, {megabytes(made.size)}"
        told = f"backup {made.id}: {what} in {self.shelf.place.name}"
        outcome = Outcome(Result.DONE, told, "\n".join(lines), seconds=time.monotonic() - started, hits=1)
        return await self._proved(outcome, made.id) if _wants_proof(args) else outcome

    async def _proved(self, made: Outcome, id_: str) -> Outcome:
        """Whether it restores, too: if it does not, that is the outcome."""
        proved = await self.prove.apply({"backup": id_})
        told, output = f"{made.summary}; {proved.summary}", f"{made.output}\n{proved.output}"
        return replace(proved, summary=told, output=output, seconds=made.seconds + proved.seconds, recoverable=False)

    async def verify(self, args: Args) -> Verification:
        """Passed when the backup is complete at its place, each file with its size. Restoring it is `backup.verify`."""
        id_ = str(args.get("backup") or self.last)
        if not id_:
            return Verification(Verified.UNKNOWN, "which backup it was is not known: see `hutch backup list`")
        try:
            found = await asyncio.to_thread(self.shelf.find, id_)
            lacking = await asyncio.to_thread(self.shelf.lacking, found.manifest)
        except BackupError as error:
            return Verification(Verified.UNKNOWN if error.passing else Verified.FAILED, str(error))
        if not lacking and _wants_proof(args):
            return await self.prove.verify({"backup": id_})
        if lacking:
            return Verification(Verified.FAILED, f"backup {id_} is not complete", tuple(lacking[:5]))
        return Verification(Verified.PASSED, f"backup {id_} is complete: {len(found.manifest.files)} files")


def _wants_proof(args: Args) -> bool:
    return args.get("verify") in (True, "true")


def _wish(args: Args, id_: str) -> Wish:
    if unknown := [name for name in args if name not in KNOWN]:
        raise BackupError(f"backup.create takes {', '.join(KNOWN)}, and not {', '.join(unknown)}")
    if args.get("kind", "dump") != "dump":
        raise BackupError(
            f"kind {args['kind']!r} is not made here: this makes dumps. A copy of the files or of the storage is your"
            " platform's: give it a command line under services.*.command.verbs, or do it by hand"
        )
    given = str(args.get("backup") or id_)
    if given and not ID.fullmatch(given):
        raise BackupError(f"a backup's name is made of its time, as 20261126T211500Z-0a1b2c, not {given!r}")
    return Wish(given, str(args.get("reason") or ""), args.get("keep") in (True, "true"))

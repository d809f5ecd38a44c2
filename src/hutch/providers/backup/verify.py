"""``backup.verify``: proves a backup by restoring it into a scratch database, and touches nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.backup import amcheck, server, tools
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.errors import BackupError, Damaged
from hutch.providers.backup.manifest import Backup, Manifest, Proof, Table
from hutch.providers.backup.origin import Present, foreign, moved_on, present
from hutch.providers.backup.restore import Restored, restored
from hutch.providers.backup.words import megabytes

Args = Mapping[str, object]
KNOWN = ("backup", "amcheck", "foreign")
UNDO = "none is needed: the scratch database is dropped again, nothing else is touched"
SHOWN = 10


@dataclass(slots=True)
class Verify:
    """``args``: ``backup`` (else the newest); ``amcheck: false`` leaves that out; ``foreign: true``: of another
    database."""

    config: Config
    shelf: Shelf
    now: Callable[[], datetime]
    effect: Effect = Effect.CHANGE
    last: str = field(default="", init=False)

    async def preview(self, args: Args) -> Preview:
        """Which backup is restored where; refused where it could not be."""
        try:
            manifest = (await self._found(args)).manifest
            if manifest.key_id:
                self.shelf.keys.find(manifest.key_id)
            programs = await tools.find(self.config.tools, manifest.tool)
            await self._present(manifest, args)
        except BackupError as error:
            return Preview("can't prove a backup", 0, undo=UNDO, refused=str(error))
        what = f"{len(manifest.tables)} tables, {manifest.rows} rows"
        items = (
            f"{megabytes(manifest.size)} from {self.shelf.place.name}, {what}",
            f"into a new database on {server.place(self.config.scratch_url)}, by pg_restore {programs.major}",
        )
        return Preview(f"restores backup {manifest.id} into a scratch database and counts", 1, items, UNDO)

    async def apply(self, args: Args) -> Outcome:
        """Restore, count, look with amcheck, drop, and write the proof down beside the backup."""
        started = time.monotonic()
        try:
            manifest = (await self._found(args)).manifest
            self.last = manifest.id
            now = await self._present(manifest, args)
            proof = await self._proved(manifest, now, str(args.get("amcheck", True)).lower() != "false")
            await asyncio.to_thread(self.shelf.write, proof)
        except BackupError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=error.passing)
        took = time.monotonic() - started
        if proof.problems:
            return Outcome(Result.FAILED, f"backup {proof.id} is not good: {proof.problems[0]}", _text(proof), 1, took)
        told = f"backup {proof.id} restores: {proof.tables} tables, {proof.rows} rows as when it was made"
        return Outcome(Result.DONE, told, _text(proof), 0, took, hits=1)

    async def verify(self, args: Args) -> Verification:
        """What the proof at the backup's place says."""
        try:
            named = str(args.get("backup") or self.last)
            found = await asyncio.to_thread(self.shelf.find, named)
        except BackupError as error:
            return Verification(Verified.UNKNOWN, str(error))
        if found.proof is None:
            return Verification(Verified.FAILED, f"backup {found.manifest.id} was not proved")
        verdict = Verified.FAILED if found.proof.problems else Verified.PASSED
        said = "it is not good" if found.proof.problems else "it was restored, and is as when it was made"
        return Verification(
            verdict, f"backup {found.manifest.id}: {said}", (*found.proof.checks, *found.proof.problems)
        )

    async def _found(self, args: Args) -> Backup:
        if unknown := [name for name in args if name not in KNOWN]:
            raise BackupError(f"backup.verify takes {', '.join(KNOWN)}, and not {', '.join(unknown)}")
        return await asyncio.to_thread(self.shelf.find, str(args.get("backup") or ""))

    async def _present(self, manifest: Manifest, args: Args) -> Present | None:
        """The database as it is now. :class:`BackupError` when the backup is of another one."""
        now = await present(self.config)
        if (why := foreign(manifest, now)) and str(args.get("foreign")).lower() != "true":
            raise BackupError(why)
        return now

    async def _proved(self, manifest: Manifest, now: Present | None, look: bool) -> Proof:
        """A proof also of a backup that is damaged: then it says so. What is no fault of the backup raises."""
        started, at = time.monotonic(), self.now()
        try:
            async with restored(self.config, self.shelf, manifest) as found:
                seen, checks, problems = await _looked(found, look, self.config)
        except Damaged as error:
            seen, checks, problems, version = [], (), (str(error),), 0
        else:
            version = found.database.version
        took = round(time.monotonic() - started, 3)
        rows = sum(t.rows for t in seen)
        return Proof(manifest.id, at, version, len(seen), rows, took, (*checks, moved_on(manifest, now)), problems)


async def _looked(found: Restored, look: bool, config: Config) -> tuple[list[Table], tuple[str, ...], tuple[str, ...]]:
    """The tables that are there, what was looked at, and what is wrong."""
    async with server.connected(found.database.url, config.connect_timeout, config.timeout) as session:
        seen = await server.tables(session)
        problems = [*differences(found.manifest.tables, seen), *await amcheck.indexes_valid(session)]
        counted = f"{len(seen)} tables and {sum(t.rows for t in seen)} rows counted"
        checks, damage = await amcheck.checked(session) if look else (("amcheck was left out",), ())
    return seen, (counted, *checks), (*problems, *damage)


def differences(promised: tuple[Table, ...], seen: list[Table]) -> list[str]:
    """What a restored database has otherwise than its manifest says."""
    there = {t.name: t for t in seen}
    missing = [f"{t.name} is missing" for t in promised if t.name not in there]
    pairs = [(t, there[t.name]) for t in promised if t.name in there]
    rows = [f"{a.name} has {b.rows} rows and not {a.rows}" for a, b in pairs if a.rows != b.rows]
    columns = [f"{a.name} has other columns than it had" for a, b in pairs if a.columns != b.columns]
    more = [f"{name} was not there" for name in there.keys() - {t.name for t in promised}]
    return [*missing, *rows, *columns, *more][:SHOWN]


def _text(proof: Proof) -> str:
    return "\n".join([*proof.checks, *(f"PROBLEM {p}" for p in proof.problems)])

"""``evidence.preserve``: copies of the trails in a folder of their own, with their hashes. Nothing else is touched."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.places.folder import synced
from hutch.providers.audit.arguments import Args, BadArguments, whole
from hutch.providers.audit.client import Client
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.evidence import LONGEST, SOURCES, copied

SUMS = "SHA256SUMS"
"""The list of a copy's hashes, as ``sha256sum --check`` reads it; it is written last."""

UNDO = "not needed: only copies are written"
_SPAN = re.compile(r"(\d{1,4})(?: days?)?")


@dataclass(frozen=True, slots=True)
class Preserve:
    """``args``: ``since``, in days (``30 days``); ``tables``, by their names in the database or here, without them all
    of security, audit, sessions, blocks and restrictions."""

    client: Client
    config: Config
    now: Callable[[], datetime]
    made: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)
    """Where a copy went, by what it is of."""
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be copied", UNDO)
    async def preview(self, args: Args) -> Preview:
        """Which tables, how far back, where to."""
        names, days = self._asked(args)
        items = tuple(f"{self.config.tables[name]}, as {name}.jsonl" for name in names)
        folder = self.config.copies or "a folder"
        said = f"copy {len(names)} tables of the last {days} days into {folder}, with their hashes"
        return Preview(said, len(names), items, UNDO, "" if self.config.copies else _NO_FOLDER)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Copy them. What broke off has no list of hashes, and counts as none."""
        names, days = self._asked(args)
        if not self.config.copies:
            return Outcome(Result.FAILED, _NO_FOLDER)
        rows = {f"{name}.jsonl": await copied(self.client, self.config, name, days) for name in names}
        called = f"{self.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        folder = Path(self.config.copies) / called
        try:
            sums = await asyncio.to_thread(_write, folder, {name: "".join(of).encode() for name, of in rows.items()})
        except OSError as error:
            return Outcome(Result.FAILED, f"{folder} can't be written: {error.strerror}")
        self.made[_key(names, days)] = folder
        total = sum(len(of) for of in rows.values())
        return Outcome(Result.DONE, f"{total} rows of {len(rows)} tables are in {folder}", sums, hits=len(rows))

    @verified("can't tell whether it was copied")
    async def verify(self, args: Args) -> Verification:
        """Passed when every file is what its hash says."""
        names, days = self._asked(args)
        folder = self.made.get(_key(names, days))
        if folder is None:
            where = self.config.copies or "any folder"
            return Verification(Verified.UNKNOWN, f"it can't be told which copy in {where} is the one of this run")
        try:
            sums = await asyncio.to_thread(_read, folder)
        except OSError as error:
            return Verification(Verified.FAILED, f"{folder} can't be read: {error.strerror}")
        wrong = [name for name, (listed, found) in sums.items() if listed != found]
        missing = [name for name in names if f"{name}.jsonl" not in sums]
        if wrong or missing:
            return Verification(Verified.FAILED, f"{folder}: {', '.join([*wrong, *missing])} is not what was copied")
        evidence = tuple(f"{name} {listed}" for name, (listed, _) in sums.items())
        return Verification(Verified.PASSED, f"{len(sums)} files in {folder} are what their hashes say", evidence)

    def _asked(self, args: Args) -> tuple[tuple[str, ...], int]:
        since = args.get("since", 30)
        span = _SPAN.fullmatch(since.strip()) if isinstance(since, str) else None
        days = whole({"since": span[1] if span else since}, "since", 30, LONGEST)
        wanted = args.get("tables") or list(SOURCES)
        known = {**{self.config.tables[name]: name for name in SOURCES}, **{name: name for name in SOURCES}}
        if not isinstance(wanted, list | tuple) or not all(table in known for table in wanted):
            raise BadArguments(f"tables must be among {', '.join(self.config.tables[name] for name in SOURCES)}")
        return tuple(dict.fromkeys(known[str(table)] for table in wanted)), days


_NO_FOLDER = "say under services.NAME.audit.copies in which folder copies are kept"


def _key(names: tuple[str, ...], days: int) -> str:
    return f"{' '.join(names)} {days}"


def _write(folder: Path, files: Mapping[str, bytes]) -> str:
    """Each file whole and on the disk, then the list of their hashes: without it, it is no copy."""
    folder.mkdir(mode=0o700, parents=True)
    for name, data in files.items():
        _put(folder / name, data)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    _put(folder / SUMS, sums.encode())
    for place in (folder, folder.parent):
        synced(place)
    return sums


def _put(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(folder: Path) -> dict[str, tuple[str, str]]:
    """By name: the hash that is listed, and the one that its content has now."""
    lines = (line.split("  ", 1) for line in (folder / SUMS).read_text(encoding="utf-8").splitlines())
    return {name: (listed, hashlib.sha256((folder / name).read_bytes()).hexdigest()) for listed, name in lines}

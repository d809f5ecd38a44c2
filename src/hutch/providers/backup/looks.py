"""``backup.list``: the catalogue for people, or as JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.action import Command, Outcome, Result
from hutch.model.event import instant, parse_instant
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.manifest import Backup, Catalogue
from hutch.providers.backup.retention import Keep, Kept, kept
from hutch.providers.backup.words import age, megabytes


@dataclass(frozen=True, slots=True)
class Listing:
    """The catalogue as a read of the provider."""

    shelf: Shelf
    keep: Keep
    now: Callable[[], datetime]

    async def run(self, command: Command) -> Outcome:
        """``args``: ``before``, a time: the newest backup older than that; ``json``: for programs."""
        started = time.monotonic()
        try:
            before = _moment(command.args.get("before"))
            found = await asyncio.to_thread(self.shelf.catalogue)
        except (BackupError, ValueError) as error:
            passing = isinstance(error, BackupError) and error.passing
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=passing)
        newest = found.before(before) if before else None
        chosen = found.backups if before is None else (newest,) if newest else ()
        output = json.dumps(self._json(found, chosen)) if command.args.get("json") else self._text(found, chosen)
        told = _told(found, before, newest)
        code = 0 if chosen or before is None else 1
        return Outcome(Result.DONE, told, output, code, time.monotonic() - started, hits=len(chosen))

    def _json(self, found: Catalogue, chosen: tuple[Backup, ...]) -> dict[str, object]:
        reasons = kept([kept_of(b) for b in found.backups], self.keep)
        return {
            "place": self.shelf.place.name,
            "backups": [row(b, reasons.get(b.manifest.id, "")) for b in chosen],
            "unfinished": list(found.unfinished),
            "unreadable": dict(found.unreadable),
        }

    def _text(self, found: Catalogue, chosen: tuple[Backup, ...]) -> str:
        lines = [line(b, self.now()) for b in chosen]
        lines += [f"{id_}  unfinished: being made, or cut off; the next backup deletes it" for id_ in found.unfinished]
        return "\n".join([*lines, *(f"{id_}  unreadable: {why}" for id_, why in found.unreadable.items())])


def kept_of(backup: Backup) -> Kept:
    """What retention looks at."""
    manifest = backup.manifest
    return Kept(manifest.id, manifest.at, manifest.pinned, backup.state == "proved")


def row(backup: Backup, reason: str) -> dict[str, object]:
    """A backup for programs; ``kept`` is why pruning leaves it, empty when it may go."""
    manifest, proof = backup.manifest, backup.proof
    return {
        "id": manifest.id,
        "at": instant(manifest.at),
        "state": backup.state,
        "proved_at": instant(proof.at) if proof else "",
        "problems": list(proof.problems) if proof else [],
        "database": manifest.identity.database,
        "postgres": manifest.identity.version // 10000,
        "format": manifest.format,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "bytes": manifest.size,
        "key": manifest.key_id,
        "reason": manifest.reason,
        "kept": reason,
    }


def line(backup: Backup, now: datetime) -> str:
    """A backup for people."""
    m = backup.manifest
    locked = "encrypted" if m.key_id else "NOT encrypted"
    why = f"  {m.reason}" if m.reason else ""
    return (
        f"{m.id}  {backup.state:<8}  {age(now - m.at)} old  {m.identity.database}, {len(m.tables)} tables, "
        f"{m.rows} rows, {megabytes(m.size)}, {locked}{why}"
    )


def _told(found: Catalogue, before: datetime | None, newest: Backup | None) -> str:
    if before:
        return f"the newest before {instant(before)} is {newest.manifest.id}" if newest else "none is older than that"
    more = f", {len(found.unfinished)} unfinished" if found.unfinished else ""
    more += f", {len(found.unreadable)} unreadable" if found.unreadable else ""
    return f"{len(found.backups)} backups{more}"


def _moment(value: object) -> datetime | None:
    if not value:
        return None
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise BackupError(f"before must be a time such as 2026-01-15T10:00:00Z: {error}") from None

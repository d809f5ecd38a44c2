"""What one backup is: its manifest, which is written last, so that a half-written backup is none. Pure."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hutch.model.event import instant, parse_instant
from hutch.providers.backup.errors import Damaged

FORM = 1
MANIFEST, PROOF = "manifest.json", "proof.json"
ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def new_id(now: datetime) -> str:
    """The name of a new backup: sorts by its time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database: its name, and the server's own identifier (0 where it does not tell)."""

    database: str
    system: int
    version: int  # server_version_num

    def differs(self, other: Identity) -> str:
        """Why these are two databases; empty when they may be one."""
        if self.database != other.database:
            return f"it is of database {self.database!r}, and this is {other.database!r}"
        if self.system and other.system and self.system != other.system:
            return f"it is of another server's {self.database!r}: system {self.system}, and this is {other.system}"
        return ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the dump's snapshot saw it: rows exactly, columns as ``name type``."""

    name: str
    rows: int
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored file: its name below the backup's, and the size in bytes and SHA-256 of what is stored."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that is known of a backup. ``at`` is when its snapshot was taken: it holds what was there then."""

    id: str
    service: str
    at: datetime
    ended: datetime
    identity: Identity
    format: str
    tool: int  # major version of pg_dump
    key_id: str  # empty: not encrypted
    files: tuple[Stored, ...]
    tables: tuple[Table, ...]
    reason: str = ""
    pinned: bool = False

    @property
    def size(self) -> int:
        """Bytes stored."""
        return sum(f.size for f in self.files)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(t.rows for t in self.tables)

    def table(self, name: str) -> Table | None:
        """The table of that name, ``schema.name``."""
        return next((t for t in self.tables if t.name == name), None)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of restoring a backup. ``problems`` is empty when all was as the manifest says."""

    id: str
    at: datetime
    server: int
    tables: int
    rows: int
    seconds: float
    checks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup of the catalogue, and whether it was proved."""

    manifest: Manifest
    proof: Proof | None = None

    @property
    def state(self) -> str:
        """``proved``, ``failed``, or ``unproved``."""
        return "unproved" if self.proof is None else "failed" if self.proof.problems else "proved"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a place holds, the newest first. ``unfinished``: what was begun and has no manifest; ``unreadable``: id and
    why."""

    backups: tuple[Backup, ...] = ()
    unfinished: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def find(self, id_: str) -> Backup | None:
        """That backup; without a name the newest."""
        return next((b for b in self.backups if id_ in ("", b.manifest.id)), None)

    def before(self, at: datetime) -> Backup | None:
        """The newest whose snapshot is older than ``at`` and of which no restore failed."""
        return next((b for b in self.backups if b.manifest.at < at and b.state != "failed"), None)

    @property
    def newest_proved(self) -> Backup | None:
        """The newest that was restored and was right."""
        return next((b for b in self.backups if b.state == "proved"), None)


def dumped(value: Manifest | Proof) -> dict[str, Any]:
    """The stored form; times in ISO 8601."""
    if isinstance(value, Proof):
        data = {name: getattr(value, name) for name in Proof.__slots__}
        return {"form": FORM, **data, "at": instant(value.at)}
    data = {name: getattr(value, name) for name in Manifest.__slots__}
    identity = {name: getattr(value.identity, name) for name in Identity.__slots__}
    files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in value.files]
    tables = [{"name": t.name, "rows": t.rows, "columns": list(t.columns)} for t in value.tables]
    times = {"at": instant(value.at), "ended": instant(value.ended)}
    return {"form": FORM, **data, **times, "identity": identity, "files": files, "tables": tables}


def manifest_from(text: str) -> Manifest:
    """The manifest that :func:`dumped` made. :class:`Damaged` says what is wrong."""
    data = _read(text)
    try:
        return Manifest(
            id=str(data["id"]),
            service=str(data["service"]),
            at=parse_instant(data["at"]),
            ended=parse_instant(data["ended"]),
            identity=Identity(**data["identity"]),
            format=str(data["format"]),
            tool=int(data["tool"]),
            key_id=str(data["key_id"]),
            files=tuple(Stored(**f) for f in data["files"]),
            tables=tuple(Table(t["name"], int(t["rows"]), tuple(t["columns"])) for t in data["tables"]),
            reason=str(data["reason"]),
            pinned=bool(data["pinned"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"its manifest can't be read: {type(error).__name__} {error}") from None


def proof_from(text: str) -> Proof:
    """The proof that :func:`dumped` made. :class:`Damaged` says what is wrong."""
    data = _read(text)
    try:
        return Proof(
            str(data["id"]), parse_instant(data["at"]), int(data["server"]), int(data["tables"]), int(data["rows"]),
            float(data["seconds"]), tuple(data["checks"]), tuple(data["problems"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"its proof can't be read: {type(error).__name__} {error}") from None


def _read(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        raise Damaged("it is cut short or no JSON") from None
    if not isinstance(data, dict) or data.get("form") != FORM:
        raise Damaged(f"it has another form than {FORM}: a newer Hutch wrote it")
    return data

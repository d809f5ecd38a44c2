"""What a person asks to have back, as the arguments of ``recover.rows`` say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.recover.config import AUDIT

TRIGGERS = ("", "fire", "quiet")
KNOWN = (
    "table", "since", "until", "deleted_by", "backup", "triggers", "all_missing", "from_audit", "rows", "log",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """``since`` and ``until`` bound the deletions to undo, both included; ``account`` who made them, empty: anybody.

    ``all_missing``: every row that the backup has and the table lacks, whatever the audit log says of it or does not.
    ``most`` is how many rows were approved; 0: as many as the setting allows. ``triggers`` says what to do with those
    that fire on INSERT; empty: it has not been decided. ``log``: names of the audit log that are not the configured.
    """

    table: str
    since: datetime | None = None
    until: datetime | None = None
    account: str = ""
    backup: str = ""
    triggers: str = ""
    all_missing: bool = False
    most: int = 0
    log: Mapping[str, str] = field(default_factory=dict)


def wish_from(args: Mapping[str, object]) -> Wish:
    """The arguments, checked. :class:`BackupError` says which is wrong and what it must be."""
    unknown = [key for key in args if key not in KNOWN]
    if unknown:
        raise BackupError(f"recover.rows has no argument {unknown[0]!r}; known: {', '.join(KNOWN)}")
    table, triggers = _text(args, "table"), _text(args, "triggers")
    if not table:
        raise BackupError("recover.rows needs `table`: the one whose rows were deleted")
    if triggers not in TRIGGERS:
        raise BackupError(f"triggers must be fire or quiet, not {triggers!r}")
    since, until = _moment(args, "since"), _moment(args, "until")
    if since and until and since > until:
        raise BackupError(f"the window is empty: since {since.isoformat()} is after until {until.isoformat()}")
    return Wish(
        table, since, until, _text(args, "deleted_by"), _text(args, "backup"), triggers, _flag(args, "all_missing"),
        _count(args, "rows"), _log(args),
    )  # fmt: skip


def _text(args: Mapping[str, object], name: str) -> str:
    return str(args.get(name) or "").strip()


def _flag(args: Mapping[str, object], name: str) -> bool:
    value = args.get(name) or False
    if value in (True, False, "true", "false"):
        return value in (True, "true")
    raise BackupError(f"{name} must be true or false, not {value!r}")


def _count(args: Mapping[str, object], name: str) -> int:
    text = str(args.get(name) or 0)
    if not (text.isascii() and text.isdecimal()):
        raise BackupError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _log(args: Mapping[str, object]) -> dict[str, str]:
    given = args.get("log") or {}
    if not isinstance(given, Mapping) or any(key not in AUDIT for key in given):
        raise BackupError(f"log must map {', '.join(AUDIT)} to names, not {given!r}")
    return {str(key): str(value) for key, value in given.items()}


def _moment(args: Mapping[str, object], name: str) -> datetime | None:
    value = args.get(name)
    if not value:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise BackupError(f"{name} must be a time such as 2026-03-04T10:00:00+00:00, not {value!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

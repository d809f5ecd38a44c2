"""The settings of a database's backups, each with its unit and default, and their checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from hutch.ports import Setting
from hutch.providers.backup.retention import Keep
from hutch.providers.backup.schedule import Schedule, schedule

FORMATS = ("directory", "custom")
POINT_IN_TIME = ("status", "list", "backup", "restore")

SETTINGS = (
    Setting("url", "secret", "address of the database; a login that may read all of it (pg_read_all_data)",
            required=True),
    Setting("to", "text", "where backups go: an absolute folder, or s3://BUCKET/PREFIX", required=True),
    Setting("key", "secret", "32 bytes in base64 or hex that backups are encrypted with; without it they are not"),
    Setting("old_keys", "secrets", "earlier keys by any name, for reading what was encrypted with them"),
    Setting("format", "text", "`directory` (parallel both ways) or `custom` (one file) of pg_dump; empty: `custom` "
            "with a key, since it is encrypted as it comes and never lies on the disk in clear text, else `directory`",
            default=""),
    Setting("jobs", "int", "connections that dumping and restoring use at once", default=2),
    Setting("tools", "text", "folder of pg_dump and pg_restore; empty: PATH, then where distributions put them",
            default=""),
    Setting("work", "text", "folder for what is not encrypted yet or any more, as large as a dump; empty: the "
            "temporary one",
            default=""),
    Setting("timeout", "duration", "longest time that one dump or restore may take", default=timedelta(hours=6)),
    Setting("scratch_url", "secret", "address on the server where backups are proved, a login with CREATEDB; else url"),
    Setting("schedule", "text", "when to make one: an interval (`6h`) or five fields as cron has them, in UTC; empty: "
            "only when somebody asks", default=""),
    Setting("verify_scheduled", "bool", "whether each scheduled backup is proved by restoring it", default=True),
    Setting("prune_scheduled", "bool", "whether what `keep_*` no longer keeps is deleted after it, without asking",
            default=False),
    Setting("keep_last", "int", "the newest so many are kept", default=3),
    Setting("keep_daily", "int", "the newest of each of so many days is kept", default=7),
    Setting("keep_weekly", "int", "the newest of each of so many weeks is kept", default=4),
    Setting("keep_monthly", "int", "the newest of each of so many months is kept", default=12),
    Setting("max_age", "duration", "the newest proved one must not be older; `0s`: may", default=timedelta(hours=26)),
    Setting("region", "text", "AWS region of the bucket", default=""),
    Setting("endpoint", "text", "another address of S3: MinIO, a VPC endpoint", default=""),
    Setting("access_key_id", "secret", "AWS key; without it the machine's own"),
    Setting("secret_access_key", "secret", "the secret of that key"),
    Setting("point_in_time", "map", "command lines of pgBackRest or WAL-G: `status`, `list`, `backup`, `restore`"),
    Setting("environment", "map", "variables that these commands get, beside PATH, HOME, LANG and TMPDIR; no secrets"),
    Setting("pass_env", "list", "names of Hutch's own environment variables that these commands get", default=()),
    Setting("connect_timeout", "float", "seconds to wait for a connection", default=5.0),
    Setting("lock_timeout", "float", "seconds that a dump waits for a table that somebody holds exclusively",
            default=60.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them; addresses and keys never show in a repr."""

    url: str = field(repr=False)
    to: str
    key: str = field(repr=False)
    old_keys: tuple[str, ...] = field(repr=False)
    format: str
    jobs: int
    tools: str
    work: str
    timeout: float
    scratch_url: str = field(repr=False)
    schedule: Schedule | None
    verify_scheduled: bool
    prune_scheduled: bool
    keep: Keep
    max_age: timedelta
    region: str
    endpoint: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    point_in_time: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]
    pass_env: tuple[str, ...]
    connect_timeout: float
    lock_timeout: float


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    if bool(values["access_key_id"]) != bool(values["secret_access_key"]):
        raise ValueError("backup: access_key_id and secret_access_key go together")
    return Config(
        url=_address(values, "url"),
        to=_place(str(values["to"] or "")),
        key=str(values["key"] or ""),
        old_keys=tuple(_texts(values, "old_keys").values()),
        format=_format(values),
        jobs=_count(values, "jobs", 1),
        tools=str(values["tools"] or ""),
        work=str(values["work"] or ""),
        timeout=_length(values, "timeout").total_seconds(),
        scratch_url=_address(values, "scratch_url" if values["scratch_url"] else "url"),
        schedule=schedule(str(values["schedule"])) if values["schedule"] else None,
        verify_scheduled=bool(values["verify_scheduled"]),
        prune_scheduled=bool(values["prune_scheduled"]),
        keep=Keep(*(_count(values, f"keep_{n}", 0) for n in ("last", "daily", "weekly", "monthly"))),
        max_age=_length(values, "max_age"),
        region=str(values["region"] or ""),
        endpoint=str(values["endpoint"] or ""),
        access_key_id=str(values["access_key_id"] or ""),
        secret_access_key=str(values["secret_access_key"] or ""),
        point_in_time=_lines(values["point_in_time"]),
        environment=_texts(values, "environment"),
        pass_env=_list(values, "pass_env"),
        connect_timeout=_seconds(values, "connect_timeout"),
        lock_timeout=_seconds(values, "lock_timeout"),
    )


def _address(values: Mapping[str, object], name: str) -> str:
    value = values[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"backup: {name} must be a database address such as postgresql://user@host:5432/name")
    return value


def _place(text: str) -> str:
    if not (text.startswith("/") or re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/\S*)?", text)):
        raise ValueError(f"backup: to must be an absolute folder or s3://BUCKET/PREFIX, not {text!r}")
    return text.rstrip("/") or "/"


def _format(values: Mapping[str, object]) -> str:
    """What is to be encrypted goes through a pipe where nobody says otherwise (docs/adr/0042)."""
    return _choice(values, "format", FORMATS) if values["format"] else "custom" if values["key"] else "directory"


def _choice(values: Mapping[str, object], name: str, known: tuple[str, ...]) -> str:
    if values[name] not in known:
        raise ValueError(f"backup: {name} must be one of {', '.join(known)}, not {values[name]!r}")
    return str(values[name])


def _count(values: Mapping[str, object], name: str, least: int) -> int:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"backup: {name} must be a whole number from {least}, not {value!r}")
    return value


def _seconds(values: Mapping[str, object], name: str) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"backup: {name} must be a number of seconds above 0, not {value!r}")
    return float(value)


def _length(values: Mapping[str, object], name: str) -> timedelta:
    value = values[name]
    if not isinstance(value, timedelta) or value < timedelta(0) or (name == "timeout" and not value):
        raise ValueError(f"backup: {name} must be a duration such as 26h, not {value!r}")
    return value


def _texts(values: Mapping[str, object], name: str) -> dict[str, str]:
    value = values[name] or {}
    if not isinstance(value, Mapping) or not all(isinstance(v, str | int) for v in value.values()):
        raise ValueError(f"backup: {name} must map names to texts")
    return {str(k): str(v) for k, v in value.items()}


def _list(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values[name] or ()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"backup: {name} must be a list of names, not {value!r}")
    return tuple(value)


def _lines(value: object) -> dict[str, tuple[str, ...]]:
    """The command lines of ``point_in_time``: each a list of words."""
    if value is not None and not isinstance(value, Mapping):
        raise ValueError("backup: point_in_time must map status, list, backup and restore to command lines")
    found: dict[str, tuple[str, ...]] = {}
    for name, words in (value or {}).items():
        if name not in POINT_IN_TIME:
            raise ValueError(f"backup: point_in_time has {name!r}; known: {', '.join(POINT_IN_TIME)}")
        if not isinstance(words, list) or not words or not all(isinstance(w, str | int | float) for w in words):
            raise ValueError(f"backup: point_in_time.{name} must be a list of words, such as [pgbackrest, info]")
        found[str(name)] = tuple(str(w) for w in words)
    return found

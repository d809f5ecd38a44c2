"""The settings of a Supabase project, each with its unit and default, and their checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("project", "text", "reference of the project: the first part of its address", required=True),
    Setting("key", "secret", "API key that may ask /rest/v1/", required=True),
    Setting("url", "text", "address of the project's API; empty: https://PROJECT.supabase.co", default=""),
    Setting("dashboard", "text", "address of the dashboard, for manual steps", default="https://supabase.com/dashboard"),
    Setting("database_url", "secret", "address of the database, a login that can only read; without it REST alone"),
    Setting("change_url", "secret", "address of the database for changes; any login that may connect will do"),
    Setting("disk", "float", "GB that the plan gives the database; 0: not told", default=0.0),
    Setting("disk_warn", "float", "percent of it from which it is said", default=80.0),
    Setting("used_warn", "float", "percent of the usable connections from which it is said", default=80.0),
    Setting("used_bad", "float", "percent of them from which none is left soon", default=95.0),
    Setting("long_query", "float", "seconds from which a statement runs for long", default=60.0),
    Setting("slot_wal", "float", "GB of WAL that a replication slot may hold back", default=1.0),
    Setting("patience", "float", "seconds that a call waits at most when Supabase asks to call later", default=30.0),
    Setting("timeout", "float", "seconds that one call or one statement may take", default=10.0),
    Setting("reloaded", "float", "seconds in which the REST address answers again after its schema was reloaded",
            default=30.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them."""

    project: str
    key: str = field(repr=False)
    url: str
    dashboard: str
    database_url: str = field(repr=False)
    change_url: str = field(repr=False)
    disk: float
    disk_warn: float
    used_warn: float
    used_bad: float
    long_query: float
    slot_wal: float
    patience: float
    timeout: float
    reloaded: float

    @property
    def target(self) -> str:
        """What is looked at."""
        return f"Supabase {self.project}"


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never a key."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    project, disk = str(values["project"]), values["disk"]
    if not re.fullmatch(r"[a-z0-9-]{1,63}", project):
        raise ValueError(f"supabase: project must be its reference, as abcdefghijklmnopqrst, not {project!r}")
    url = str(values["url"] or f"https://{project}.supabase.co").rstrip("/")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://[::1]:", "http://localhost:")):
        raise ValueError("supabase: url must begin with https://, since a key is sent there")
    if urlsplit(url).username is not None or urlsplit(url).query:
        raise ValueError("supabase: url must hold no user and no query: the key goes into a header")
    if isinstance(disk, bool) or not isinstance(disk, int | float) or disk < 0:
        raise ValueError(f"supabase: disk must be a number of GB, or 0, not {disk!r}")
    numbers = {
        name: above_zero("supabase", values, name)
        for name in ("disk_warn", "used_warn", "used_bad", "long_query", "slot_wal", "patience", "timeout", "reloaded")
    }
    return Config(
        project=project,
        key=str(values["key"]),
        url=url,
        dashboard=str(values["dashboard"]).rstrip("/"),
        database_url=str(values["database_url"] or ""),
        change_url=str(values["change_url"] or ""),
        disk=float(disk),
        **numbers,
    )

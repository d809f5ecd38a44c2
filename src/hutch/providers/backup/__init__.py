"""Backups of a Postgres database: made, listed, proved by restoring, thinned out, and an alert when the newest is old.

Importing this package loads the manifest alone; drivers are loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.backup.causes import CODES, explain
from hutch.providers.backup.config import SETTINGS
from hutch.providers.backup.recover.config import SETTINGS as RECOVER_SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing connects before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.backup.target").connect(target)
    return opened


provider = Provider(
    name="backup",
    summary="Backups of a Postgres database by pg_dump, to a folder or S3: encrypted, and proved by restoring them",
    settings=(*SETTINGS, *RECOVER_SETTINGS),
    open=connect,
    explain=explain,
    codes=CODES,
    guide="backups",
)

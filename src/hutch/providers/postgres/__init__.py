"""PostgreSQL: connections, idle transactions, locks and long statements, and ending the sessions that cause them.

Importing this package loads the manifest alone; the driver is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.postgres.causes import CODES, explain
from hutch.providers.postgres.config import SETTINGS
from hutch.providers.postgres.damage.config import SETTINGS as DAMAGE_SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the driver now, but connects only at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.postgres.target").connect(target)
    return opened


provider = Provider(
    name="postgres",
    summary="PostgreSQL 14 and later: who uses, holds and blocks what, and how to end it safely",
    settings=(*SETTINGS, *DAMAGE_SETTINGS),
    open=connect,
    explain=explain,
    codes=CODES,
    guide="postgres-checks",
)

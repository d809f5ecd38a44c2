"""Schema migrations: what was applied, what is pending, what stopped half-way, and finishing it by the team's own tool.

Importing this package loads the manifest alone; the driver is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.migrations.causes import CODES, explain
from hutch.providers.migrations.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the driver now, but connects only at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.migrations.target").connect(target)
    return opened


provider = Provider(
    name="migrations",
    summary="Schema migrations of a Postgres database: applied, pending, half-applied",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="migrations",
)

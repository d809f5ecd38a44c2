"""Supabase: a project's REST address and its database, as far as Supabase lets a login look into it.

Importing this package loads the manifest alone; the clients are loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.supabase.causes import CODES, explain
from hutch.providers.supabase.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.supabase.target").connect(target)
    return opened


provider = Provider(
    name="supabase",
    summary="Supabase: a project's REST address, its database as far as it may be seen, its schema cache",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="supabase",
)

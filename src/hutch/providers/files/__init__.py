"""Log files on this machine, JSON lines or plain ones, searched from their ends."""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.files.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is read before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.files.target").connect(target)
    return opened


provider = Provider(
    name="files",
    summary="Log files on this machine, JSON lines or plain ones",
    settings=SETTINGS,
    open=connect,
    guide="platforms",
)

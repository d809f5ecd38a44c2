"""Git: the commits of a repository, as recent changes and between two deployments."""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.git.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.git.target").connect(target)
    return opened


provider = Provider(
    name="git",
    summary="Git: commits of a repository as recent changes, and between two deployments",
    settings=SETTINGS,
    open=connect,
    guide="platforms",
)

"""The local platform: releases, deployments and replicas, and the way back from a bad release.

Importing this package loads the manifest alone; the HTTP client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.local.causes import CODES, explain
from hutch.providers.local.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the client now, connects at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.local.target").connect(target)
    return opened


provider = Provider(
    name="local",
    summary="The local platform of `rolerabbit platform`: replicas, deployments, roll-back, restart, scale",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="platforms",
)

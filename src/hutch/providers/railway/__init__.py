"""Railway: the deployments and logs of one service, and the way back from a bad one.

Importing this package loads the manifest alone; the HTTP client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.railway.causes import CODES, explain
from hutch.providers.railway.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.railway.target").connect(target)
    return opened


provider = Provider(
    name="railway",
    summary="Railway: one service's deployments and logs; roll-back, redeployment, replicas, their CPU and memory",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="railway",
)

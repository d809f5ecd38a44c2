"""Amazon ECS: deployments, tasks and logs of one service, and the way back from a bad release.

Importing this package loads the manifest alone; boto3 is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.ecs.causes import CODES, explain
from hutch.providers.ecs.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.ecs.target").connect(target)
    return opened


provider = Provider(
    name="ecs",
    summary="Amazon ECS: one service's deployments, tasks and logs; roll-back, restart, scale",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="ecs",
)

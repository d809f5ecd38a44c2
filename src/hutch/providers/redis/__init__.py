"""Redis and Valkey: is it there, has it room, who is waiting for what, and giving it more memory.

Importing this package loads the manifest alone; the client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.redis.causes import CODES, explain
from hutch.providers.redis.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the client now, but connects only at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.redis.target").connect(target)
    return opened


provider = Provider(
    name="redis",
    summary="Redis 6.2 and later, and Valkey: reachability, memory, clients, slow commands, and what redis-cli shows",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="platforms",
)

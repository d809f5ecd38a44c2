"""Schema migrations: what was applied, what is pending, what stopped half-way.

Importing this package loads the manifest alone; the client is loaded when a target is opened.
"""

from __future__ import annotations

from hutch.ports import Connection, Provider, TargetConfig


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing connects before its first use. ``ValueError`` names a bad setting."""
    return Connection(target=target.service)


provider = Provider(
    name="migrations", summary="Schema migrations: applied, pending, half-applied", settings=(), open=connect
)

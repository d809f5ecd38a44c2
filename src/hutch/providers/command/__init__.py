"""Any platform by its own command lines.

Importing this package loads the manifest alone; the client is loaded when a target is opened.
"""

from __future__ import annotations

from hutch.ports import Connection, Provider, TargetConfig


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing connects before its first use. ``ValueError`` names a bad setting."""
    return Connection(target=target.service)


provider = Provider(
    name="command",
    summary="Any verb by command lines of `hutch.yaml`: kubectl, systemctl, a script",
    settings=(),
    open=connect,
)

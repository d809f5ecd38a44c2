"""The service's own security and audit logs: log-ins, exports, deletions.

Importing this package loads the manifest alone; the client is loaded when a target is opened.
"""

from __future__ import annotations

from hutch.ports import Connection, Provider, TargetConfig


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing connects before its first use. ``ValueError`` names a bad setting."""
    return Connection(target=target.service)


provider = Provider(
    name="audit",
    summary="A service's security and audit tables: log-ins, exports, deletions; blocks and restrictions",
    settings=(),
    open=connect,
)

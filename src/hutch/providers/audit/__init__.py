"""The service's own security and audit logs: log-ins, exports, deletions; blocks and restrictions.

Importing this package loads the manifest alone; the driver is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.audit.causes import CODES, explain
from hutch.providers.audit.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the driver now, but connects only at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.audit.target").connect(target)
    return opened


provider = Provider(
    name="audit",
    summary="A service's security and audit tables in Postgres: log-ins, exports, deletions; blocks and restrictions",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="blocks",
)

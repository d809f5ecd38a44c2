"""Any platform by its own command lines: what a team runs by hand, as typed verbs with preview, verification and undo.

Importing this package loads the manifest alone; what starts programs is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.command.causes import CODES, explain
from hutch.providers.command.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Make it ready; nothing runs before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.command.target").connect(target)
    return opened


provider = Provider(
    name="command",
    summary="Any platform by command lines of `hutch.yaml`: kubectl, systemctl, a script of yours",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="command-provider",
)

"""This machine's programs: runs a command by its argument list, or a shell line where the document needs one.

Importing this package loads the manifest alone; what starts processes is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.shell.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Make it ready; nothing runs before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.shell.target").connect(target)
    return opened


provider = Provider(
    name="shell",
    summary="This machine's programs, each in a process group of its own with a bounded time, output and environment",
    settings=SETTINGS,
    open=connect,
    guide="safety",
)

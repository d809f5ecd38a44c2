"""How somebody gets into the service: a token of ours that is let in or not, and a log-in. For proving a breach closed.

Importing this package loads the manifest alone; the HTTP client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.access.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the client now, connects at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.access.target").connect(target)
    return opened


provider = Provider(
    name="access",
    summary="An account of ours at the service: whether its old tokens are let in, and whether it can log in",
    settings=SETTINGS,
    open=connect,
    guide="access",
)

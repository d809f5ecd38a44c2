"""Vercel: the production deployments and logs of one project, and the way back from a bad one.

Importing this package loads the manifest alone; the HTTP client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.vercel.causes import CODES, explain
from hutch.providers.vercel.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.vercel.target").connect(target)
    return opened


provider = Provider(
    name="vercel",
    summary="Vercel: one project's production deployments and logs; roll-back, promotion, redeployment, memory",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="vercel",
)

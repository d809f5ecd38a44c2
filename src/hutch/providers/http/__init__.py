"""HTTP: is the service answering, how fast, and how often does it fail; and what stands in for ``curl``.

Importing this package loads the manifest alone; the HTTP client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.http.causes import CODES, explain
from hutch.providers.http.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the client now, connects at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.http.target").connect(target)
    return opened


provider = Provider(
    name="http",
    summary="A service's HTTP side: its health endpoint, its metrics in Prometheus' text format, and curl",
    settings=SETTINGS,
    open=connect,
    explain=explain,
    codes=CODES,
    guide="probes",
)

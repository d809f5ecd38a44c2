"""A Prometheus server: the metrics that it has of a service, PromQL in documents and signals, and whether it sees it.

Importing this package loads the manifest alone; the client is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.prometheus.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target: loads the client now, but connects only at the first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.prometheus.target").connect(target)
    return opened


provider = Provider(
    name="prometheus",
    summary="a Prometheus server's HTTP API (also Thanos, Mimir, VictoriaMetrics): metrics as signals, and PromQL",
    settings=SETTINGS,
    open=connect,
    guide="alerts",
)

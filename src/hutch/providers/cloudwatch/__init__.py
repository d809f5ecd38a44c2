"""Amazon CloudWatch: what AWS measures of a service's database, containers and load balancer, as signals.

Importing this package loads the manifest alone; boto3 is loaded at the first use of a target.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.cloudwatch.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.cloudwatch.target").connect(target)
    return opened


provider = Provider(
    name="cloudwatch",
    summary="Amazon CloudWatch: metrics of RDS, ECS, load balancers and your own as signals; read-only",
    settings=SETTINGS,
    open=connect,
    guide="alerts",
)

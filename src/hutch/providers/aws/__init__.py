"""Amazon beside ECS: the size of an RDS database, secrets in Secrets Manager, the S3 bucket that backups go to.

Importing this package loads the manifest alone; boto3 is loaded when a target is opened.
"""

from __future__ import annotations

from importlib import import_module

from hutch.ports import Connection, Provider, TargetConfig
from hutch.providers.aws.config import SETTINGS


def connect(target: TargetConfig) -> Connection:
    """Open a target; nothing is asked before its first use. ``ValueError`` names a bad setting."""
    opened: Connection = import_module("hutch.providers.aws.target").connect(target)
    return opened


provider = Provider(
    name="aws",
    summary="Amazon RDS, Secrets Manager and S3: a database's size, secrets that are rotated, the bucket of backups",
    settings=SETTINGS,
    open=connect,
    guide="aws",
)

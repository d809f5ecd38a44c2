"""Puts one account's database, secrets and bucket together."""

from __future__ import annotations

from hutch.amazon.calls import Calls
from hutch.ports import Action, Check, Connection, Run, TargetConfig
from hutch.providers.aws.bucket import NEWEST, VERSIONING, Bucket
from hutch.providers.aws.config import config_from
from hutch.providers.aws.database import CHECK, Look, Scale
from hutch.providers.aws.secret import Rotate, Vault


def connect(target: TargetConfig) -> Connection:
    """What is configured of them. Nothing connects before its first use."""
    config = config_from(target.settings)
    read = Calls(config, config.reading)
    checks: dict[str, Check] = {CHECK: Look(read, config, target.now)} if config.database else {}
    bucket = Bucket(read, config, target.now)
    checks |= {NEWEST: bucket.newest, VERSIONING: bucket.versioning} if config.bucket else {}
    actions: dict[str, Action] = {}
    runs: dict[str, Run] = {}
    names: frozenset[str] = frozenset()
    if config.changing:
        change = Calls(config, config.changing, changes=True)
        actions |= {"database.scale": Scale(read, change, config)} if config.database else {}
        if config.secrets:
            rotate = Rotate.of(Vault(read, change, config), target.now)
            actions["secret.rotate"], runs["secret.ring"], names = rotate, rotate.ring, frozenset(config.secrets)
    return Connection(target=config.target, checks=checks, actions=actions, runs=runs, secrets=names)

"""Puts one Railway service together."""

from __future__ import annotations

from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.railway.actions import Restart, Rollback
from hutch.providers.railway.checks import CHECK, Running
from hutch.providers.railway.client import Client
from hutch.providers.railway.config import config_from
from hutch.providers.railway.platform import RailwayPlatform
from hutch.providers.railway.scale import Scale
from hutch.providers.railway.variables import Variables
from hutch.rotation.variable import Rotate


def connect(target: TargetConfig) -> Connection:
    """Check, deployments, logs and, with a token for them, the changes. Nothing connects before its first use."""
    config = config_from(target.settings)
    client = Client(config)
    platform = RailwayPlatform(client, target.now)
    actions: dict[str, Action] = {
        "deploy.rollback": Rollback(client),
        "service.restart": Restart(client),
        "service.scale": Scale(client),
    }
    rotate = Rotate.of(Variables(config), target.now)
    actions |= {"secret.rotate": rotate} if config.secrets else {}
    return Connection(
        target=config.target,
        checks={CHECK: Running(client, target.now)},
        actions=actions if config.change_token else {},
        runs={"secret.ring": rotate.ring} if config.secrets and config.change_token else {},
        secrets=frozenset(config.secrets) if config.change_token else frozenset(),
        changes=platform.changes,
        platform=platform,
    )

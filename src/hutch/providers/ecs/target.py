"""Puts one ECS service together."""

from __future__ import annotations

from hutch.amazon.calls import Calls
from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.ecs.actions import Restart, Rollback
from hutch.providers.ecs.checks import CHECK, Tasks
from hutch.providers.ecs.client import Client
from hutch.providers.ecs.config import config_from
from hutch.providers.ecs.platform import EcsPlatform
from hutch.providers.ecs.scale import Scale


def connect(target: TargetConfig) -> Connection:
    """Check, deployments, logs and, with a key for them, the changes. Nothing connects before its first use."""
    config = config_from(target.settings)
    changing = Calls(config, config.changing, changes=True) if config.changing else None
    client = Client(config, Calls(config, config.reading), changing)
    platform = EcsPlatform(client, target.now)
    actions: dict[str, Action] = {
        "deploy.rollback": Rollback(client),
        "service.restart": Restart(client),
        "service.scale": Scale(client),
    }
    return Connection(
        target=config.target,
        checks={CHECK: Tasks(client, target.now)},
        actions=actions if changing else {},
        changes=platform.changes,
        platform=platform,
    )

"""Puts one Vercel project together."""

from __future__ import annotations

from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.vercel.actions import Rollback
from hutch.providers.vercel.checks import CHECK, Production
from hutch.providers.vercel.client import Client
from hutch.providers.vercel.config import config_from
from hutch.providers.vercel.platform import VercelPlatform
from hutch.providers.vercel.restart import Restart
from hutch.providers.vercel.scale import Scale
from hutch.providers.vercel.tier import SIZES
from hutch.providers.vercel.variables import Variables
from hutch.rotation.variable import Rotate


def connect(target: TargetConfig) -> Connection:
    """Check, deployments, logs and, with a token for them, the changes. Nothing connects before its first use."""
    config = config_from(target.settings)
    client = Client(config)
    platform = VercelPlatform(client, target.now)
    actions: dict[str, Action] = {
        "deploy.rollback": Rollback(client),
        "service.restart": Restart(client),
        "service.scale": Scale(client),
    }
    rotate = Rotate.of(Variables(config), target.now)
    actions |= {"secret.rotate": rotate} if config.secrets else {}
    return Connection(
        target=config.target,
        checks={CHECK: Production(client, target.now)},
        actions=actions if config.change_token else {},
        takes={"service.scale": SIZES},
        runs={"secret.ring": rotate.ring} if config.secrets and config.change_token else {},
        secrets=frozenset(config.secrets) if config.change_token else frozenset(),
        changes=platform.changes,
        platform=platform,
    )

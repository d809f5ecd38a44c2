"""Puts one local platform together."""

from __future__ import annotations

from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.local.actions import Rollback
from hutch.providers.local.checks import Reader
from hutch.providers.local.client import Client
from hutch.providers.local.config import config_from
from hutch.providers.local.load import LoadCheck
from hutch.providers.local.platform import LocalPlatform
from hutch.providers.local.restart import Restart
from hutch.providers.local.scale import Scale
from hutch.providers.local.secrets import Rotate


def connect(target: TargetConfig) -> Connection:
    """Checks, deployments, metrics and, with a token, the actions. Nothing connects before its first use."""
    client = Client(config_from(target.settings))
    reader = Reader(client, target.now)
    rotate = Rotate(client)
    actions: dict[str, Action] = {
        "deploy.rollback": Rollback(client),
        "service.restart": Restart(client, target.now),
        "service.scale": Scale(client),
        "secret.rotate": rotate,
    }
    return Connection(
        target=client.config.target,
        checks={"local.replicas": reader.replicas, "local.load": LoadCheck(client, target.service, target.now)},
        actions=actions if client.config.token else {},
        runs={"secret.ring": rotate.ring} if client.config.token else {},
        scrape=reader.scrape,
        changes=reader.changes,
        platform=LocalPlatform(client),
        parts=frozenset({"postgres", "redis"}),
    )

"""Puts one local platform together."""

from __future__ import annotations

from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.local.actions import Restart, Rollback, Scale
from hutch.providers.local.checks import Reader
from hutch.providers.local.client import Client
from hutch.providers.local.config import config_from


def connect(target: TargetConfig) -> Connection:
    """The check, the deployments, the metrics and, with a token, the actions. Nothing connects before its first use."""
    client = Client(config_from(target.settings))
    reader = Reader(client, target.now)
    actions: dict[str, Action] = {
        "deploy.rollback": Rollback(client),
        "service.restart": Restart(client, target.now),
        "service.scale": Scale(client),
    }
    return Connection(
        target=client.config.target,
        checks={"local.replicas": reader.replicas},
        actions=actions if client.config.token else {},
        scrape=reader.scrape,
        changes=reader.changes,
    )

"""Wires one service's tables: checks, actions and samples over one client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from hutch.ports import Connection, TargetConfig
from hutch.providers.audit import checks
from hutch.providers.audit.blocks import AddBlock, RemoveBlock
from hutch.providers.audit.checks import Probe, Seen
from hutch.providers.audit.client import Client
from hutch.providers.audit.config import config_from


def connect(target: TargetConfig) -> Connection:
    """The tables of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    client = Client(config)
    looks: Mapping[str, Callable[[], Awaitable[Seen]]] = {
        "audit.logins": lambda: checks.logins(client, config),
    }
    return Connection(
        target=client.target,
        checks={name: Probe(name, client.target, look, target.now) for name, look in looks.items()},
        actions={"block.add": AddBlock(client, config), "block.remove": RemoveBlock(client, config)},
        close=client.close,
    )

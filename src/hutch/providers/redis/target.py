"""Wires one Redis target: its checks, its action, redis-cli and samples over one client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from hutch.model.action import Sample
from hutch.model.finding import Seen
from hutch.ports import Check, Connection, TargetConfig
from hutch.providers.redis import checks
from hutch.providers.redis.actions import SetMaxmemory
from hutch.providers.redis.causes import SET_MAXMEMORY
from hutch.providers.redis.cli import Cli
from hutch.providers.redis.client import Client
from hutch.providers.redis.config import Config, config_from
from hutch.providers.redis.errors import RedisError
from hutch.providers.redis.looks import Probe
from hutch.providers.redis.slow import slow


def connect(target: TargetConfig) -> Connection:
    """The target of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    client = Client(config.url, config)
    operator = Client(config.operator_url, config) if config.operator_url else client
    if operator.where != client.where:
        raise ValueError(
            f"redis: url leads to {client.where}, operator_url to {operator.where}: both must be one server"
        )
    cli = Cli(client, operator)

    async def close() -> None:
        await client.close()
        await operator.close()

    return Connection(
        target=client.where,
        checks=_checks(client, config, target.now),
        actions={SET_MAXMEMORY: SetMaxmemory(client, operator, config)},
        runs={"redis-cli": cli.run, "valkey-cli": cli.run},
        scrape=_scrape(client, target.now),
        close=close,
    )


def _checks(client: Client, config: Config, now: Callable[[], datetime]) -> Mapping[str, Check]:
    looks: Mapping[str, Callable[[], Awaitable[Seen]]] = {
        "redis.reachable": lambda: checks.reachable(client),
        "redis.memory": lambda: checks.memory(client, config),
        "redis.clients": lambda: checks.clients(client, config),
        "redis.slow": lambda: slow(client, config),
    }
    return {name: Probe(name, client.where, look, now) for name, look in looks.items()}


def _scrape(client: Client, now: Callable[[], datetime]) -> Callable[[], Awaitable[list[Sample]]]:
    async def scrape() -> list[Sample]:
        """No sample when the server gives no figure: no data is a state of its own."""
        try:
            info = await client.info()
        except RedisError:
            return []
        at = now()
        return [Sample(name, {}, value, at, kind) for name, (value, kind) in checks.samples(info).items()]

    return scrape

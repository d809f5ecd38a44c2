"""Wires one database's migrations: the check, the action, the status and what was migrated lately."""

from __future__ import annotations

from hutch.model.effect import Effect
from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.migrations.actions import Up
from hutch.providers.migrations.causes import MARK, UP
from hutch.providers.migrations.checks import STATE, Report, State
from hutch.providers.migrations.client import Client, place
from hutch.providers.migrations.config import Config, config_from
from hutch.providers.migrations.crossed import Crossed
from hutch.providers.migrations.development import Develop
from hutch.providers.migrations.down import Down
from hutch.providers.migrations.marking import Mark
from hutch.providers.migrations.planning import by_us


def connect(target: TargetConfig) -> Connection:
    """The migrations of a database. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    client = Client(config)
    if config.owner_url:
        place(config.owner_url)
    report = Report(client, config)
    return Connection(
        target=client.target,
        checks={STATE: State(client, config, target.now)},
        actions=_actions(client, config),
        runs={
            "migrate.status": report.status,
            "migrate.plan": report.plan,
            "migrate.breaking": Crossed(client, config),
        },
        changes=report.changes,
        close=client.close,
    )


def _actions(client: Client, config: Config) -> dict[str, Action]:
    """Those that can be carried out here; reset and seed are always there, to say why they are refused."""
    found: dict[str, Action] = {
        MARK: Mark(client, config),
        "migrate.reset": Develop(client, config, "reset", Effect.DESTROY),
        "migrate.seed": Develop(client, config, "seed", Effect.CHANGE),
    }
    if by_us(config) or config.command:
        found[UP] = Up(client, config)
    if by_us(config) or config.down_command:
        found["migrate.down"] = Down(client, config)
    return found

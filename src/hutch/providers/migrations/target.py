"""Wires one database's migrations: the check, the action, the status and what was migrated lately."""

from __future__ import annotations

from hutch.ports import Connection, TargetConfig
from hutch.providers.migrations.actions import Up
from hutch.providers.migrations.causes import UP
from hutch.providers.migrations.checks import STATE, Report, State
from hutch.providers.migrations.client import Client, place
from hutch.providers.migrations.config import config_from


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
        actions={UP: Up(client, config)} if config.command else {},
        runs={"migrate.status": report.status},
        changes=report.changes,
        close=client.close,
    )

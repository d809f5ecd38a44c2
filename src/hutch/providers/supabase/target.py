"""Puts one Supabase project together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from hutch.model.finding import Seen
from hutch.ports import Action, Check, Connection, TargetConfig
from hutch.providers.supabase import checks, rest
from hutch.providers.supabase.actions import ByHand, Reload
from hutch.providers.supabase.checks import Probe
from hutch.providers.supabase.config import Config, config_from
from hutch.providers.supabase.database import Database

MATTER = ("supabase.rest", "supabase.connections")
"""Checks without which health can't be told."""


def connect(target: TargetConfig) -> Connection:
    """Checks, and with a login for changes what can be changed. Nothing connects before its first use."""
    config = config_from(target.settings)
    database = Database(config)
    actions: dict[str, Action] = {name: ByHand(what, place) for name, (what, place) in by_hand(config).items()}
    if config.change_url:
        actions["supabase.reload_schema"] = Reload(database, config)
    return Connection(
        target=config.target, checks=_checks(database, config, target.now), actions=actions, close=database.close
    )


def _checks(database: Database, config: Config, now: Callable[[], datetime]) -> Mapping[str, Check]:
    looks: dict[str, Callable[[], Awaitable[Seen]]] = {"supabase.rest": lambda: rest.look(config)}
    if config.database_url:
        looks |= {
            "supabase.connections": lambda: checks.connections(database, config),
            "supabase.long_queries": lambda: checks.long_queries(database, config),
            "supabase.statements": lambda: checks.statements(database),
            "supabase.size": lambda: checks.size(database, config),
            "supabase.slots": lambda: checks.slots(database, config),
        }
    return {name: Probe(name, config.target, look, now, name in MATTER) for name, look in looks.items()}


def by_hand(config: Config) -> Mapping[str, tuple[str, str]]:
    """What a person does in the dashboard, and where exactly."""
    at = f"{config.dashboard}/project/{config.project}/settings"
    return {
        "database.scale": (
            "give the project another size, disk or plan",
            f"{at}/compute-and-disk, Compute size or Disk size, Review changes (the database restarts for another "
            f"size); the plan itself: {config.dashboard}/org/_/billing, Change subscription plan",
        ),
        "service.restart": ("restart the project", f"{at}/general, Restart project"),
    }

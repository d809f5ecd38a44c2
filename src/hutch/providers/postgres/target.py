"""Wires one Postgres target: its checks, actions, statements and samples over one client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from hutch.model.finding import Seen
from hutch.ports import Check, Connection, TargetConfig
from hutch.providers.postgres import checks, index_advice, replication_checks, schema_checks
from hutch.providers.postgres.blocking import locks
from hutch.providers.postgres.client import Client
from hutch.providers.postgres.config import Config, config_from
from hutch.providers.postgres.damage.config import damage_config
from hutch.providers.postgres.damage.look import Amcheck
from hutch.providers.postgres.damage.salvage import Salvage
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.figures import Figures
from hutch.providers.postgres.flow_checks import Flow
from hutch.providers.postgres.heavy import cpu_statements
from hutch.providers.postgres.intervals import Intervals
from hutch.providers.postgres.looks import Probe, Seldom
from hutch.providers.postgres.offers import actions
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.slow_statements import missing_indexes
from hutch.providers.postgres.statements import Statements
from hutch.providers.postgres.upkeep_checks import Upkeep

MATTER = frozenset(
    f"postgres.{name}" for name in ("reachable", "connections", "idle_in_transaction", "locks", "long_queries")
)
"""Checks whose failure leaves health undecided; where a provider closes its views, the others say what they need."""


SLOWLY = frozenset(
    f"postgres.{name}"
    for name in (
        "bloat", "unindexed_keys", "unused_indexes", "duplicate_indexes", "sequences", "wraparound", "constraints",
        "pending_restart", "checksums",
    )
)  # fmt: skip
"""Checks of what changes slowly: the dear ones on a large schema."""


def connect(target: TargetConfig) -> Connection:
    """The target of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    try:
        client = Client(config)
        operator = Operator(config, client)
        owner = Operator(config, client, config.owner_url)
    except PostgresError as error:
        raise ValueError(f"postgres: {error}") from None
    damage = damage_config(target.settings)
    statements, figures = Statements(client, operator), Figures(client, config, target.now)
    name = f"{client.where}/{client.database}"
    return Connection(
        target=name,
        checks=_checks(name, client, config, target.now),
        actions=actions(client, operator, owner, config),
        runs={
            "sql": statements.sql,
            "psql": statements.psql,
            "damage.list": Amcheck(damage, name).run,
            "damage.copy": Salvage(damage).run,
        },
        scrape=figures.scrape,
        ask={"sql": figures.ask},
        close=client.close,
    )


def _paced(name: str, look: Callable[[], Awaitable[Seen]], every: float) -> Callable[[], Awaitable[Seen]]:
    return Seldom(look, every) if name in SLOWLY else look


def _checks(target: str, client: Client, config: Config, now: Callable[[], datetime]) -> Mapping[str, Check]:
    flow = Flow(client, config, Intervals(client, config))
    upkeep = Upkeep(client, config)
    looks: Mapping[str, Callable[[], Awaitable[Seen]]] = {
        "postgres.reachable": lambda: checks.reachable(client),
        "postgres.connections": lambda: checks.connections(client, config),
        "postgres.idle_in_transaction": lambda: checks.idle_in_transaction(client, config),
        "postgres.locks": lambda: locks(client, config),
        "postgres.long_queries": lambda: checks.seeing(client, checks.long_queries(client, config)),
        "postgres.missing_indexes": lambda: missing_indexes(client, config),
        "postgres.invalid_indexes": lambda: checks.invalid_indexes(client, config),
        "postgres.cpu_statements": lambda: checks.seeing(client, cpu_statements(client, config)),
        "postgres.slow_statements": flow.slow_statements,
        "postgres.deadlocks": flow.deadlocks,
        "postgres.temp_files": flow.temp_files,
        "postgres.cache": flow.cache,
        "postgres.lost_sessions": flow.lost_sessions,
        "postgres.checksums": flow.checksums,
        "postgres.autovacuum": upkeep.autovacuum,
        "postgres.bloat": upkeep.bloat,
        "postgres.unindexed_keys": lambda: index_advice.unindexed_keys(client, config),
        "postgres.unused_indexes": lambda: index_advice.unused_indexes(client, config),
        "postgres.duplicate_indexes": lambda: index_advice.duplicate_indexes(client),
        "postgres.replication": lambda: replication_checks.replication(client, config),
        "postgres.slots": lambda: replication_checks.slots(client, config),
        "postgres.archiver": lambda: replication_checks.archiver(client),
        "postgres.disk": lambda: replication_checks.disk(client, config),
        "postgres.sequences": lambda: schema_checks.sequences(client, config),
        "postgres.wraparound": lambda: schema_checks.wraparound(client, config),
        "postgres.constraints": lambda: schema_checks.constraints(client),
        "postgres.pending_restart": lambda: schema_checks.pending_restart(client),
        "postgres.reader_is_read_only": lambda: checks.reader_is_read_only(client),
    }
    every = config.care.slow_look_every
    return {
        name: Probe(name, target, client.database, _paced(name, look, every), now, matters=name in MATTER)
        for name, look in looks.items()
    }

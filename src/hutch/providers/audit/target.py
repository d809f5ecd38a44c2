"""Wires one service's tables: checks, actions and samples over one client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from hutch.model.action import Sample
from hutch.model.finding import Seen
from hutch.ports import Action, Connection, TargetConfig
from hutch.providers.audit.activity import DELETIONS, EXPORTS, deeds, refused
from hutch.providers.audit.blocks import AddBlock, RemoveBlock
from hutch.providers.audit.checks import Probe, logins
from hutch.providers.audit.client import AuditError, Client
from hutch.providers.audit.config import Config, config_from
from hutch.providers.audit.crowd import BlockCrowd, ReleaseCrowd
from hutch.providers.audit.evidence import exports
from hutch.providers.audit.letters import Queue, Try, letter_reads
from hutch.providers.audit.listing import lists
from hutch.providers.audit.preserving import Preserve
from hutch.providers.audit.queries import parameters, query
from hutch.providers.audit.reach import reads
from hutch.providers.audit.resets import ForceReset
from hutch.providers.audit.restrictions import Restrict, Unrestrict
from hutch.providers.audit.sealed import sealed_reads
from hutch.providers.audit.sessions import Revoke
from hutch.providers.audit.steps import StepDown, StepUp


def connect(target: TargetConfig) -> Connection:
    """The tables of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    client = Client(config)
    looks: Mapping[str, Callable[[], Awaitable[Seen]]] = {
        "audit.logins": lambda: logins(client, config, target.service),
        "audit.exports": lambda: deeds(client, config, EXPORTS),
        "audit.deletions": lambda: deeds(client, config, DELETIONS),
        "audit.refused": lambda: refused(client, config),
    }
    return Connection(
        target=client.target,
        checks={name: Probe(name, client.target, look, target.now) for name, look in looks.items()},
        actions=_actions(client, config, target.now),
        runs={
            **lists(client, config),
            **exports(client, config),
            **reads(client, config),
            **letter_reads(client, config),
            **sealed_reads(client, config),
        },
        scrape=_scrape(client, config, target.now),
        close=client.close,
    )


def _actions(client: Client, config: Config, now: Callable[[], datetime]) -> Mapping[str, Action]:
    return {
        "block.add": AddBlock(client, config),
        "block.remove": RemoveBlock(client, config),
        "block.crowd": BlockCrowd(client, config),
        "block.crowd_remove": ReleaseCrowd(client, config),
        "limits.step_up": StepUp(client, config),
        "limits.step_down": StepDown(client, config),
        "account.restrict": Restrict(client, config),
        "account.unrestrict": Unrestrict(client, config),
        "sessions.revoke": Revoke(client, config),
        "evidence.preserve": Preserve(client, config, now),
        "accounts.force_reset": ForceReset(client, config, now),
        "letters.queue": Queue(client, config),
        "letters.test": Try(client, config),
    }


def _scrape(client: Client, config: Config, now: Callable[[], datetime]) -> Callable[[], Awaitable[list[Sample]]]:
    async def scrape() -> list[Sample]:
        """Per minute; no sample when the database gives no figure: no data is a state of its own."""
        try:
            [row] = await client.rows(query("rates", config), parameters(config))
        except AuditError:
            return []
        at = now()
        return [Sample(f"{name}_per_minute", {}, float(row[name]), at) for name in row]

    return scrape

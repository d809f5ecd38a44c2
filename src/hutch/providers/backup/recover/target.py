"""Wires the recoveries of one service into its target."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hutch.ports import Action, Run
from hutch.providers.backup import server
from hutch.providers.backup.catalogue import Shelf
from hutch.providers.backup.config import Config
from hutch.providers.backup.recover.action import RecoverPlan, RecoverRows
from hutch.providers.backup.recover.config import recover_config
from hutch.providers.backup.recover.recovery import Recovery


@dataclass(frozen=True, slots=True)
class Offered:
    """What a target offers of recovery."""

    actions: Mapping[str, Action]
    runs: Mapping[str, Run]
    close: Callable[[], Awaitable[None]]


def offered(config: Config, settings: Mapping[str, object], shelf: Shelf) -> Offered:
    """Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    own = recover_config(settings)
    if own.recover_url:
        server.place(own.recover_url)
    recovery = Recovery(config, own, shelf)
    return Offered(
        {"recover.rows": RecoverRows(recovery)}, {"recover.plan": RecoverPlan(recovery).run}, recovery.workshop.close
    )

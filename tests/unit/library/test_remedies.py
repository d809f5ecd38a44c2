"""A fault of the drills leads, by the library's runbook for it, to its remedy: the document's own option, and first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hutch.commands.context import Service
from hutch.commands.documents import load_document, pick
from hutch.commands.prepare import prepare
from hutch.commands.situation import Situation
from hutch.engine.options import rank
from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.config import ServiceConfig
from hutch.model.effect import Effect
from hutch.ports import Connection
from rolerabbit.drills import FAULTS

OPENS = {
    "abandoned-slot": "postgres-upkeep",
    "advisory-lock": "postgres-locks",
    "bad-release": "service-outage",
    "bloated-index": "postgres-upkeep",
    "brute-force": "brute-force",
    "cache-too-small": "redis",
    "crash-loop": "service-outage",
    "ddl-queue": "postgres-locks",
    "dead-rows": "postgres-upkeep",
    "endless-statement": "postgres-high-cpu",
    "export-storm": "data-breach#suspected-data-breach",
    "forgotten-transaction": "postgres-connections",
    "half-applied-migration": "migration-failed",
    "heavy-statement": "postgres-high-cpu",
    "invalid-index": "migration-failed",
    "leak": "postgres-connections",
    "lock-holder": "postgres-locks",
    "mass-deletion": "deleted-data",
    "missing-index": "slow-responses",
    "old-numbers": "postgres-upkeep",
    "pending-migration": "migration-failed",
    "postgres-stopped": "service-outage",
    "redis-full": "redis",
    "redis-stopped": "redis",
    "replayed-token": "data-breach#suspected-data-breach",
    "stale-statistics": "postgres-high-cpu",
    "too-few-replicas": "scaling#scale-out",
    "too-many-clients": "postgres-connections",
    "used-up-sequence": "postgres-upkeep",
}
"""The runbook of the library that somebody would open."""


@dataclass(frozen=True)
class Deed:
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview("", 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        return Outcome(Result.DONE, "")

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED, "")


ALONE = [fault for fault in FAULTS if fault.remedies and not fault.parts]
ACTIONS = {action for fault in ALONE for action in fault.remedies}
SHOP = Service(ServiceConfig("shop"), {"x": Connection("x", actions=dict.fromkeys(ACTIONS, Deed()))})


def test_every_fault_with_a_remedy_has_its_runbook() -> None:
    assert sorted(OPENS) == sorted(fault.name for fault in ALONE)


@pytest.mark.parametrize("fault", ALONE, ids=lambda f: f.name)
def test_its_remedy_comes_first_as_the_documents_own_option(fault: Any) -> None:
    name, _, anchor = OPENS[fault.name].partition("#")
    program = prepare(pick(load_document(name), anchor, name), Situation(SHOP))
    for action in fault.remedies:
        remedy = {
            "action": action,
            "target": "x",
            "args": {"found": 7},
            "effect": "change",
            "summary": "found by a look",
        }
        first = rank(program.options, [{"code": fault.cause, "remedies": [remedy]}])[0]
        assert first.title.startswith("Option "), f"{OPENS[fault.name]} has no option for {action}"
        [item] = first.items
        assert (item.command.runner, item.command.args["found"], first.cause) == (action, 7, fault.cause)

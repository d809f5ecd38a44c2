"""A roll-back goes across no migration that the old code can't live with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.wire import open_service
from hutch.commands.crossing import BREAKING, ROLLBACK, guarded
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.config import ServiceConfig
from hutch.model.effect import Effect
from hutch.model.event import instant
from hutch.model.finding import Change
from hutch.model.platform import Deployment, LogLine, LogQuery, Standing, Unanswered
from hutch.ports import Connection, Provider
from hutch.testing import FakeClock

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
GONE = {"version": "9", "name": "x", "why": ["drops column users.nick"], "at": instant(NOW)}


@dataclass
class Back:
    """A roll-back that says what it was asked."""

    applied: list[Mapping[str, object]] = field(default_factory=list)
    effect: Effect = Effect.CHANGE
    hits: int = 2

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview("roll back", self.hits, ("replica 1",))

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        self.applied.append(args)
        return Outcome(Result.DONE, "done")

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED, "it runs")


@dataclass
class Ground:
    """A platform with one deployment of release 7, and a failed and an older one."""

    silent: bool = False

    async def standing(self) -> Standing:
        return Standing("8", "7")

    async def deployments(self) -> Sequence[Deployment]:
        if self.silent:
            raise Unanswered("away", recoverable=True)
        day, minute = timedelta(days=1), timedelta(minutes=1)
        return [
            Deployment("1", "7", "deploy", "succeeded", NOW - 2 * day, NOW - 2 * day + minute),
            Deployment("2", "7", "deploy", "succeeded", NOW - day, NOW - day + minute),
            Deployment("3", "7", "rollback", "failed", NOW, NOW),
            Deployment("4", "8", "deploy", "succeeded", NOW),
        ]

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        return []


@dataclass
class Migrated:
    """What was migrated, as the provider tells it."""

    breaking: Sequence[Mapping[str, object]] = ()
    untold: Sequence[str] = ()
    broken: bool = False
    asked: list[Mapping[str, object]] = field(default_factory=list)

    async def __call__(self, command: Command) -> Outcome:
        self.asked.append(command.args)
        if self.broken:
            return Outcome(Result.FAILED, "the database is away")
        return Outcome(Result.DONE, "", json.dumps({"breaking": self.breaking, "untold": self.untold}))


def service(back: Back, migrated: Migrated, place: Connection | None = None) -> Connection:
    on = place or Connection("p", actions={ROLLBACK: back}, platform=Ground())
    return guarded({"on": on, "migrations": Connection("m", runs={BREAKING: migrated})})["on"]


async def test_across_a_breaking_migration_it_is_refused_in_preview_and_apply() -> None:
    back, migrated = Back(), Migrated([GONE, GONE])
    action = service(back, migrated).actions[ROLLBACK]
    found = await action.preview({"to": "7"})
    assert found.refused.startswith(
        "release 7 can't live with migration 9 (drops column users.nick), applied at 2026-01-15"
    )
    assert "and 1 more: take it back first" in found.refused
    outcome = await action.apply({"to": "7"})
    assert (outcome.result, outcome.summary.startswith("refused: release 7"), back.applied) == (Result.FAILED, True, [])
    since = instant(NOW - timedelta(days=1) + timedelta(minutes=1))
    assert migrated.asked == [{"since": since}, {"since": since}]  # when its last deployment that succeeded had ended


async def test_where_nothing_breaks_it_is_the_providers_own() -> None:
    back = Back()
    action = service(back, Migrated()).actions[ROLLBACK]
    assert await action.preview({"to": "7"}) == Preview("roll back", 2, ("replica 1",))
    assert (await action.apply({"to": "7"})).result is Result.DONE
    assert (await action.verify({"to": "7"})).verdict is Verified.PASSED
    assert (back.applied, action.effect) == ([{"to": "7"}], Effect.CHANGE)


@pytest.mark.parametrize(
    ("migrated", "said"),
    [
        (Migrated(untold=["3", "4"]), "not known whether these came after release 7, which could not use them: 3, 4"),
        (Migrated(broken=True), "whether release 7 can live with the schema can't be told: the database is away"),
    ],
)
async def test_what_cannot_be_told_is_said_to_who_approves_and_refuses_nothing(migrated: Migrated, said: str) -> None:
    back = Back()
    action = service(back, migrated).actions[ROLLBACK]
    found = await action.preview({"to": "7"})
    assert (found.refused, found.items) == ("", ("replica 1", said))
    assert (await action.apply({"to": "7"})).result is Result.DONE


async def test_without_a_known_deployment_no_time_is_asked_with() -> None:
    for ground in (Ground(silent=True), Ground()):
        migrated = Migrated()
        place = Connection("p", actions={ROLLBACK: Back()}, platform=ground)
        await service(Back(), migrated, place).actions[ROLLBACK].preview({"to": "7" if ground.silent else "5"})
        assert migrated.asked == [{}]


async def test_deployments_of_a_command_line_tell_the_time_too() -> None:
    async def changes() -> Sequence[Change]:
        return [Change("deployment", "7", NOW, ""), Change("migration", "7", NOW + timedelta(days=1), "")]

    migrated = Migrated()
    place = Connection("p", actions={ROLLBACK: Back()}, changes=changes)
    await service(Back(), migrated, place).actions[ROLLBACK].preview({"to": "7"})
    assert migrated.asked == [{"since": instant(NOW)}]


async def test_nothing_is_asked_where_nothing_would_be_done() -> None:
    migrated = Migrated([GONE])
    action = service(Back(hits=0), migrated).actions[ROLLBACK]
    assert (await action.preview({"to": "7"})).refused == ""
    assert (await action.preview({})).refused == ""
    assert migrated.asked == []


async def test_a_service_is_wired_so(tmp_path: Path) -> None:
    back = Back()
    made = {"p": Connection("p", actions={ROLLBACK: back}), "m": Connection("m", runs={BREAKING: Migrated([GONE])})}
    providers = {name: Provider(name, "", (), lambda _, c=c: c) for name, c in made.items()}  # type: ignore[misc]
    config = ServiceConfig("web", targets={"p": {}, "m": {}})
    opened = open_service(config, providers, EnvironmentSecrets(tmp_path), FakeClock())
    assert (
        "can't live with migration 9" in (await opened.connections["p"].actions[ROLLBACK].preview({"to": "7"})).refused
    )

"""Typed actions in documents: judged by name, then by their target; open arguments take values; nobody offers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from hutch.commands.calls import arguments, called
from hutch.commands.context import Service
from hutch.commands.situation import Situation
from hutch.effect import classify_action
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.config import ServiceConfig
from hutch.model.effect import Effect
from hutch.model.runbook import ActionCall
from hutch.ports import Connection


@dataclass(frozen=True)
class Deed:
    effect: Effect

    async def preview(self, args: Mapping[str, object]) -> Preview:
        return Preview("", 1)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        return Outcome(Result.DONE, "")

    async def verify(self, args: Mapping[str, object]) -> Verification:
        return Verification(Verified.PASSED, "")


async def ask(command: Command) -> Outcome:
    return Outcome(Result.DONE, "")


def situation(connection: Connection | None = None, **given: str) -> Situation:
    offered = {"x": connection} if connection else {}
    return Situation(Service(ServiceConfig("shop"), offered), given)


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("backup.list", Effect.READ),
        ("migrate.status", Effect.READ),
        ("logs.search", Effect.READ),
        ("deploy.rollback", Effect.CHANGE),
        ("backup.verify", Effect.CHANGE),  # restores into a scratch database
        ("migrate.down", Effect.CHANGE),
        ("postgres.drop_index", Effect.CHANGE),
        ("backup.delete", Effect.DESTROY),
        ("database.reset", Effect.DESTROY),
        ("list", Effect.READ),
    ],
)
def test_judged_by_name(name: str, effect: Effect) -> None:
    assert classify_action(name).effect is effect


@pytest.mark.parametrize(
    ("name", "connection", "effect", "why"),
    [
        ("logs.search", Connection("k", runs={"logs.search": ask}), Effect.READ, "looks, by its name"),
        ("cluster.inspect", Connection("k", runs={"cluster.inspect": ask}), Effect.READ, "is configured as a read"),
        ("logs.search", Connection("k", actions={"logs.search": Deed(Effect.CHANGE)}), Effect.CHANGE, "k offers"),
        ("volume.clear", Connection("k", actions={"volume.clear": Deed(Effect.DESTROY)}), Effect.DESTROY, "k offers"),
        ("backup.delete", Connection("k", runs={"backup.delete": ask}), Effect.DESTROY, "loses what it names"),
    ],
)
def test_the_target_has_the_last_word(name: str, connection: Connection, effect: Effect, why: str) -> None:
    command, refused = called(ActionCall(name), classify_action(name), situation(connection))
    assert (command.effect, refused, command.target) == (effect, "", "k")
    assert why in command.why


def test_nobody_offers_it_and_how_to_go_on() -> None:
    command, refused = called(ActionCall("recover.rows", {"table": "t"}), classify_action("recover.rows"), situation())
    assert refused == (
        "no target of shop offers the action recover.rows: give it a command line under services.shop.command.verbs,"
        " or do it by hand"
    )
    assert (command.text, command.target) == ("recover.rows(table: t)", "")


def test_open_arguments_take_the_values_of_their_names() -> None:
    call = ActionCall("postgres.create_index", {"table": None, "columns": "", "schema": "shop", "statement": None})
    given = {"table": "portfolios", "columns": "[user_id, created_at DESC]", "schema": "other"}
    assert arguments(call, given) == {
        "table": "portfolios",
        "columns": ["user_id", "created_at DESC"],
        "schema": "shop",  # what the document says stands
    }
    assert arguments(ActionCall("x.y", {"deleted_by": None}), {"deleted-by": "me"}) == {"deleted_by": "me"}
    assert arguments(ActionCall("x.y", {"a": None}), {"a": " "}) == {}
    assert arguments(ActionCall("x.y", {"a": None}), {"a": "[*nothing]"}) == {"a": "[*nothing]"}

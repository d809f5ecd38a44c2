"""Roles are given, handed over with a reason, and laid down; of two commanders at once the second hears who it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.views import roles_json
from hutch.model.config import Config, ServiceConfig
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.review.timeline import timeline
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context() -> Context:
    clock = FakeClock()
    store, shop = MemoryStore(clock), Service(ServiceConfig("shop"), {})
    config = Config(services={"shop": shop.config})
    return Context(config, Path(), store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {})


async def declared(context: Context) -> str:
    return (await incidents.declare(context, title="t", service="shop", severity=Severity.SEV2)).id


async def test_two_commanders_at_once_are_one_and_the_other_hears_who(context: Context) -> None:
    name = await declared(context)
    both = [incidents.assign(context, name, who, "cleo") for who in ("anna", "ben")]
    found = await asyncio.gather(*both, return_exceptions=True)
    (loser,) = [f for f in found if isinstance(f, CommandError)]
    winner = (await incidents.load(context, name)).commander
    assert f"{winner} is the incident commander since 10:00:00 UTC, assigned by cleo" in str(loser)
    assert "--reason" in str(loser)


async def test_a_hand_over_needs_a_reason_and_is_told(context: Context) -> None:
    name = await declared(context)
    for who, reason in (("anna", ""), ("ben", "anna goes off shift")):
        await incidents.assign(context, name, who, "cleo", Role.SCRIBE, reason)
    state = await incidents.load(context, name)
    assert [h.who for h in state.roles[Role.SCRIBE]] == ["ben"]
    texts = [e.text for e in timeline(await context.store.read(state.stream))]
    assert "ben is the scribe, taken over from anna: anna goes off shift" in texts


async def test_responders_are_several_and_given_twice_are_one(context: Context) -> None:
    name = await declared(context)
    for who in ("anna", "ben", "anna"):
        state = await incidents.assign(context, name, who, "cleo", Role.RESPONDER)
    assert [r["who"] for r in roles_json(state)["responder"]] == ["anna", "ben"]
    state = await incidents.release(context, name, Role.RESPONDER, "anna", "ill", "anna")
    assert [h.who for h in state.roles[Role.RESPONDER]] == ["ben"]
    state = await incidents.assign(context, name, "anna", "cleo")
    state = await incidents.release(context, name, Role.COMMANDER, "", "over to nobody", "anna")
    assert state.commander == ""


async def test_a_role_needs_somebody(context: Context) -> None:
    with pytest.raises(CommandError, match="name who"):
        await incidents.assign(context, await declared(context), " \n", "cleo")

"""Steps in an incident's course: each refused one says why, and of two at once the second hears what happened."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hutch.commands import incidents, pins, record, transitions
from hutch.commands.context import CommandError, Context, Service
from hutch.model.config import Config, ServiceConfig
from hutch.model.incident import Incident, Phase
from hutch.model.lifecycle import STEPS, refusal
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context() -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    services = {n: Service(ServiceConfig(n), {}) for n in ("shop", "mail")}
    config = Config(services={n: s.config for n, s in services.items()})
    return Context(config, Path(), store, MemoryQueue(store), clock, FakeSecrets({}), services, {})


async def declared(context: Context) -> Incident:
    return await incidents.declare(context, title="t", service="shop", severity=Severity.SEV2)


async def test_a_refused_step_says_why(context: Context) -> None:
    state = await declared(context)
    with pytest.raises(CommandError, match="it is open, in detection; there is nothing to reopen"):
        await transitions.reopen(context, state.id, "again", "olivia")
    with pytest.raises(CommandError, match="say why: it stands on the timeline"):
        await transitions.resolve(context, state.id, " ", "olivia")
    await transitions.resolve(context, state.id, "rolled back", "olivia")
    with pytest.raises(CommandError, match="resolved at 2026-01-15 10:00 UTC already: rolled back"):
        await transitions.resolve(context, state.id, "restarted", "peter")
    again = await transitions.reopen(context, state.id, "it is back", "peter")
    assert again.phase is Phase.RESPONSE and again.reopened == 1


async def test_a_resolve_races_a_severity_change_and_the_loser_sees_what_happened(context: Context) -> None:
    state = await declared(context)
    both = await asyncio.gather(
        transitions.resolve(context, state.id, "rolled back", "olivia"),
        transitions.set_severity(context, state.id, Severity.SEV1, "all users", "peter"),
        return_exceptions=True,
    )
    lost = [e for e in both if isinstance(e, CommandError)]
    assert len(lost) == 1, "one wins, the other is told"
    said = str(lost[0])
    assert "changed while you decided, and nothing was done" in said
    assert "olivia: Resolved by olivia: rolled back" in said or "peter: Severity is now SEV-1: all users" in said
    kinds = [e.kind for e in await context.store.read(state.stream)]
    assert kinds.count("incident.resolved") + kinds.count("severity.changed") == 1


async def test_who_decides_by_what_was_seen_long_ago_hears_what_happened_since(context: Context) -> None:
    looked_at = (await declared(context)).seq
    state = await incidents.load(context, "INC-2026-001")
    await transitions.set_severity(context, state.id, Severity.SEV1, "all users", "peter")
    with pytest.raises(CommandError, match="peter: Severity is now SEV-1: all users; look at it again"):
        await transitions.resolve(context, state.id, "rolled back", "olivia", seen=looked_at)


async def test_of_two_commanders_at_once_the_second_hears_who_has_it(context: Context) -> None:
    state = await declared(context)
    both = await asyncio.gather(
        *(incidents.assign(context, state.id, who, who, Role.COMMANDER) for who in ("olivia", "peter")),
        return_exceptions=True,
    )
    lost = [str(e) for e in both if isinstance(e, CommandError)]
    after = await incidents.load(context, state.id)
    assert len(lost) == 1 and after.commander in lost[0]


def test_every_step_has_its_guard_and_its_phases() -> None:
    assert {s.to for s in STEPS.values()} - {None} == set(Phase) - {Phase.DETECTION}
    for name, step in STEPS.items():
        assert step.frm, name


async def test_the_guards_are_those_of_the_phases(context: Context) -> None:
    state = await declared(context)
    over = await incidents.resolve(context, state.id, "done", "olivia")
    for name, step in STEPS.items():
        assert (refusal(name, state, "why") == "") == (state.phase in step.frm), name
        assert (refusal(name, over, "why") == "") == (over.phase in step.frm), name


async def test_affected_pins_and_corrections_are_events(context: Context) -> None:
    state = await declared(context)
    await record.affected(context, state.id, ["mail"], "all in Europe", 40.0, "olivia")
    first = f"{state.stream}#1"
    await pins.pin(context, state.id, first, "olivia")
    after = await record.correct(context, state.id, 1, "it began at 09:40", "peter")
    assert after.record.affected.services == ("mail",) and after.record.affected.share == 40.0
    assert after.record.pins == (first,) and after.record.corrections == {1: "it began at 09:40"}
    assert (await pins.unpin(context, state.id, first, "olivia")).record.pins == ()
    for bad in (
        pins.pin(context, state.id, f"{state.stream}#99", "olivia"),
        record.correct(context, state.id, 1, " ", "olivia"),
        record.affected(context, state.id, ["nowhere"], "", None, "olivia"),
        record.affected(context, state.id, [], "", 101.0, "olivia"),
        record.affected(context, state.id, [], "", None, "olivia"),
    ):
        with pytest.raises(CommandError):
            await bad

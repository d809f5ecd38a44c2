"""A run over a service with two causes: each remedy is judged by its own, and none that was approved is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from hutch.engine import plan
from hutch.engine.drive import Driver
from hutch.engine.stages import Guards
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.program import Item, Option, Program
from hutch.model.run import Run
from hutch.ports import Append, Store
from hutch.testing import FakeClock
from stores import Fresh

LOCK, FULL = "postgres.blocked_by_lock", "redis.memory_full"
REMEDIES = {LOCK: "postgres.end_sessions", FULL: "redis.set_maxmemory"}


UNLOCK, ROOM = (f"remedy-{action}" for action in REMEDIES.values())
PROGRAM = Program(reads=(), options=(), verification=())


def remedy(action: str) -> Mapping[str, object]:
    return {"action": action, "target": "there", "args": {}, "summary": action, "effect": "change", "preview": action}


def cause(code: str, sure: float) -> Mapping[str, object]:
    thing = {"object": {"kind": "thing", "id": code}, "target": "there", "summary": code}
    return {"code": code, "confidence": sure, "remedies": [remedy(REMEDIES[code])], **thing}


@dataclass
class World:
    """Two things are wrong, each with a confidence; ``works``: what its remedy does."""

    sure: Mapping[str, float]
    alerts: set[str] = field(default_factory=set)
    works: Mapping[str, bool] = field(default_factory=dict)
    symptom: bool = False  # an alert that fires as long as anything is wrong
    done: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[str]:
        cured = {c for c, runner in REMEDIES.items() if runner in self.done and self.works.get(c, True)}
        return [c for c in self.sure if c not in cured]

    async def read(self, command: Command) -> Outcome:
        return Outcome(Result.DONE, "1 row", "1")

    async def diagnose(self) -> Mapping[str, object]:
        causes = [cause(code, self.sure[code]) for code in self.left]
        return {"healthy": not causes, "seconds": 0.1, "causes": causes, "checks": []}

    async def preview(self, command: Command) -> Preview:
        return Preview(command.text, 1)

    async def apply(self, command: Command) -> Outcome:
        self.done.append(command.runner)
        return Outcome(Result.DONE, "done", hits=1)

    async def verify(self, command: Command) -> Verification | None:
        return None

    async def signals(self, besides: Collection[str] = ()) -> Verification | None:
        firing = [c for c in self.left if c in self.alerts] + ["High Error Rate"] * bool(self.symptom and self.left)
        if held := [c for c in firing if c not in besides]:
            return Verification(Verified.PENDING, f"still firing: {', '.join(held)}")
        return Verification(Verified.PASSED, "cleared", firing=tuple(firing))

    async def render(self, item: Item, captured: Mapping[str, str]) -> Item:
        return item

    async def moved(self, command: Command) -> str:
        return ""


class Story:
    """A run that is driven on as people approve."""

    def __init__(self, store: Store, clock: FakeClock, world: World) -> None:
        self.store, self.clock, self.world = store, clock, world

    async def begun(self) -> Run:
        data = {"service": "shop", "title": "t", "document": "d", "hash": "h", "incident": "", "mode": "act"}
        started = Draft("run.started", {**data, "program": PROGRAM.as_dict()})
        await self.store.commit([Append("run:R1", (started,))])
        return await self.on()

    async def approved(self, *options: str) -> Run:
        given = tuple(Draft("approval.granted", {"option": name}, "ann") for name in options)
        await self.store.commit([Append("run:R1", given)])
        return await self.on()

    async def on(self) -> Run:
        async def world_of(_run: Run) -> World:
            return self.world

        for _ in range(300):
            driver = Driver(self.store, self.clock, world_of, Guards(), lambda _t, _o: None, lambda text: text)
            run = await driver.drive("R1")
            if run.finished or run.waiting in ("approval", "decision"):
                return run
            self.clock.advance(1.0)
        raise AssertionError("the run neither ends nor asks")


async def story(fresh_store: Fresh, world: World) -> Story:
    found = await fresh_store()
    told = Story(found.store, found.clock, world)
    run = await told.begun()
    assert {c.option.id: c.option.cause for c in run.chosen} == {UNLOCK: LOCK, ROOM: FULL}
    return told


@pytest.mark.parametrize("sure", [{LOCK: 0.9, FULL: 0.8}, {LOCK: 0.9, FULL: 0.9}, {LOCK: 0.8, FULL: 0.9}])
async def test_both_that_were_approved_are_done_and_proved(fresh_store: Fresh, sure: Mapping[str, float]) -> None:
    told = await story(fresh_store, World(sure, alerts=set(sure)))
    run = await told.approved(UNLOCK, ROOM)
    assert (run.outcome, sorted(told.world.done)) == ("resolved", sorted(REMEDIES.values()))
    assert all(code in run.summary for code in sure)


@pytest.mark.parametrize("sure", [{LOCK: 0.9, FULL: 0.8}, {LOCK: 0.8, FULL: 0.9}])
async def test_what_both_cause_ends_when_both_are_cured(fresh_store: Fresh, sure: Mapping[str, float]) -> None:
    told = await story(fresh_store, World(sure, symptom=True))
    began = told.clock.now()
    run = await told.approved(UNLOCK, ROOM)
    assert (run.outcome, len(told.world.done)) == ("resolved", 2)
    assert told.clock.now() - began < plan.VERIFY_WITHIN


async def test_the_other_remedy_waits_while_the_first_has_not_cured_its_own(fresh_store: Fresh) -> None:
    told = await story(fresh_store, World({LOCK: 0.9, FULL: 0.8}, symptom=True, works={LOCK: False}))
    await told.approved(UNLOCK, ROOM)
    kinds = [(e.kind, e.data.get("verdict")) for e in await told.store.read("run:R1")]
    second = len(kinds) - 1 - [k for k, _ in kinds][::-1].index("change.intended")
    assert ("verification.done", "failed") in kinds[:second]


async def test_what_was_approved_is_not_done_once_its_cause_is_gone(fresh_store: Fresh) -> None:
    world = World({LOCK: 0.9, FULL: 0.8})
    told = await story(fresh_store, world)
    world.sure = {LOCK: 0.9}  # the other one ended by itself
    run = await told.approved(UNLOCK, ROOM)
    assert (run.outcome, world.done) == ("resolved", [REMEDIES[LOCK]])


async def test_an_offer_stands_while_an_alert_tells_of_its_cause(fresh_store: Fresh) -> None:
    told = await story(fresh_store, World({LOCK: 0.9, FULL: 0.8}, alerts={FULL}))
    run = await told.approved(UNLOCK)
    assert (run.outcome, run.waiting) == ("", "approval")
    run = await told.approved(ROOM)
    assert (run.outcome, len(told.world.done)) == ("resolved", 2)


async def test_what_nobody_is_alarmed_by_does_not_keep_it_open(fresh_store: Fresh) -> None:
    told = await story(fresh_store, World({LOCK: 0.9, FULL: 0.8}))
    assert (await told.approved(UNLOCK)).outcome == "resolved"


async def test_a_second_remedy_that_does_not_work_leaves_it_unresolved(fresh_store: Fresh) -> None:
    told = await story(fresh_store, World({LOCK: 0.9, FULL: 0.8}, works={FULL: False}))
    run = await told.approved(UNLOCK, ROOM)
    assert (run.outcome, len(told.world.done)) == ("unresolved", 2)


async def test_an_approval_outlives_another_remedy_that_does_not_work(fresh_store: Fresh) -> None:
    told = await story(fresh_store, World({LOCK: 0.9, FULL: 0.8}, works={LOCK: False}))
    run = await told.approved(UNLOCK, ROOM)
    assert (run.outcome, told.world.done) == ("unresolved", [REMEDIES[LOCK], REMEDIES[FULL]])


@dataclass
class Told(World):
    """What is done says of itself that it worked."""

    async def verify(self, command: Command) -> Verification | None:
        return Verification(Verified.PASSED, "it is so")


@pytest.mark.parametrize(("kind", "outcome"), [(Told, "done"), (World, "")])
async def test_a_deed_that_was_asked_for_is_to_cure_no_alert(
    fresh_store: Fresh, kind: type[World], outcome: str
) -> None:
    """Keys that are rotated in a breach end no alert of it. Where the deed says nothing of itself, alerts count."""
    found = await fresh_store()
    world = kind({FULL: 0.9}, alerts={FULL})
    deed = Command("secret.rotate", "rotate", "there", Effect.CHANGE, "ann asked for it", {})
    option = Option("rotate", "rotate", (Item("rotate", "rotate", 0, deed),))
    told = Story(found.store, found.clock, world)
    data = {"service": "shop", "title": "t", "document": "", "hash": "", "incident": "", "mode": "act"}
    program = Program(options=(option,), asked=True).as_dict()
    await found.store.commit([Append("run:R1", (Draft("run.started", {**data, "program": program}),))])
    assert (await told.on()).waiting == "approval"
    began = told.clock.now()
    run = await told.approved("rotate")
    if outcome:
        assert (run.outcome, told.clock.now() - began < plan.VERIFY_WITHIN) == (outcome, True)
    else:
        assert run.outcome != "done"

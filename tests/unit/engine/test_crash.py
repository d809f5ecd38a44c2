"""A run from start to end over a world that counts, cut off at every position of its journal, on every store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from hutch.engine import plan
from hutch.engine.drive import Driver, Stopping
from hutch.engine.stages import Guards
from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import Draft, find_break
from hutch.model.journal import fold
from hutch.model.program import Item, Option, Program
from hutch.model.run import ChangeState, Run
from hutch.ports import Append, Store
from hutch.testing import FakeClock
from stores import Fresh

STREAM = "run:R1"
LOOK = Command("sql", "select 1", "db", Effect.READ)
BACK = Command("deploy.rollback", "deploy.rollback(to: 42)", "platform", Effect.CHANGE, args={"to": "42"})
PROGRAM = Program(
    reads=(Item("r1", "Look", 1, LOOK), Item("r2", "Look again", 2, LOOK)),
    options=(Option("o1", "Option 1: Roll back", (Item("i1", "x", 3, BACK),), 1),),
    verification=(Item("v1", "Proof", 4, LOOK),),
)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """Counts what is done to it. ``verdict`` is what verification says while the change is not done."""

    applied: int = 0
    tells: bool = True
    dies: str = ""
    refused: str = ""
    seen: list[str] = field(default_factory=list)

    async def read(self, command: Command) -> Outcome:
        self.seen.append(command.text)
        return Outcome(Result.DONE, "1 row", "1")

    async def diagnose(self) -> Mapping[str, object]:
        causes = [] if self.applied else [{"code": "deploy.bad_release", "summary": "s", "remedies": []}]
        return {"healthy": bool(self.applied), "seconds": 0.1, "causes": causes, "checks": []}

    async def preview(self, command: Command) -> Preview:
        return Preview("43 → 42", 2, refused=self.refused)

    async def apply(self, command: Command) -> Outcome:
        if self.dies == "before":
            raise Killed
        self.applied += 1
        if self.dies == "after":
            raise Killed
        return Outcome(Result.DONE, "rolled back", hits=2)

    async def verify(self, command: Command) -> Verification | None:
        if not self.tells:
            return Verification(Verified.UNKNOWN, "cannot tell")
        verdict = Verified.PASSED if self.applied else Verified.PENDING
        return Verification(verdict, "42 runs" if self.applied else "43 runs")

    async def moved(self, command: Command) -> str:
        return ""

    async def signals(self, besides: Collection[str] = ()) -> Verification | None:
        return None


def started(mode: str = "act") -> Draft:
    data = {"service": "shop", "title": "t", "document": "d", "hash": "h", "incident": "", "mode": mode}
    return Draft("run.started", {**data, "program": PROGRAM.as_dict()})


def driver(store: Store, clock: FakeClock, world: World, frozen: str = "") -> Driver:
    async def world_of(_run: Run) -> World:
        return world

    return Driver(store, clock, world_of, Guards(frozen=lambda: frozen), lambda _t, _o: None, lambda text: text)


async def settled(store: Store, clock: FakeClock, world: World) -> Run:
    """Drive on, letting time pass, until a person is needed or the run is over."""
    for _ in range(200):
        run = await driver(store, clock, world).drive("R1")
        if run.finished or run.waiting in ("approval", "decision"):
            return run
        clock.advance(1.0)
    raise AssertionError("the run neither ends nor asks")


async def approve(store: Store) -> None:
    await store.commit([Append(STREAM, (Draft("approval.granted", {"option": "o1"}, "olivia"),))])


async def begun(fresh_store: Fresh, mode: str = "act") -> tuple[Store, FakeClock]:
    found = await fresh_store()
    await found.store.commit([Append(STREAM, (started(mode),))])
    return found.store, found.clock


async def whole(fresh_store: Fresh) -> list[Draft]:
    """The drafts of a run that goes well, as they are written."""
    store, clock = await begun(fresh_store)
    world = World()
    assert (await settled(store, clock, world)).waiting == "approval"
    await approve(store)
    assert (await settled(store, clock, world)).outcome == "resolved"
    assert world.applied == 1
    return [Draft(e.kind, e.data, e.actor) for e in await store.read(STREAM)]


async def test_it_reads_asks_does_once_verifies_and_ends(fresh_store: Fresh) -> None:
    kinds = [d.kind for d in await whole(fresh_store)]
    assert kinds.count("change.intended") == kinds.count("change.done") == 1
    assert kinds.index("approval.granted") < kinds.index("change.intended") < kinds.index("change.done")
    assert kinds[-1] == "run.finished"


async def test_cut_off_at_every_position_it_never_does_a_change_twice(fresh_store: Fresh) -> None:
    drafts = await whole(fresh_store)
    for position in range(1, len(drafts) + 1):
        prefix = drafts[:position]
        found = await fresh_store()
        store, clock = found.store, found.clock
        await store.commit([Append(STREAM, tuple(prefix))])
        world = World(applied=int(any(d.kind == "change.intended" for d in prefix)))
        before = world.applied
        run = await settled(store, clock, world)
        if run.waiting == "approval":
            await approve(store)
            run = await settled(store, clock, world)
        assert run.outcome == "resolved", (position, run.summary)
        assert world.applied == 1, position
        journal = await store.read(STREAM)
        assert [e.kind for e in journal].count("change.intended") == 1
        assert before + [e.kind for e in journal[position:]].count("change.done") == 1
        assert find_break(journal) is None


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_killed_while_it_changes_the_world_is_asked_not_changed_again(fresh_store: Fresh, dies: str) -> None:
    store, clock = await begun(fresh_store)
    world = World(dies=dies)
    await settled(store, clock, world)
    await approve(store)
    with pytest.raises(Killed):
        await driver(store, clock, world).drive("R1")
    world.dies = ""
    run = await settled(store, clock, world)
    assert world.applied == (1 if dies == "after" else 0)
    assert (run.outcome, run.waiting) == (("resolved", "") if dies == "after" else ("", "decision"))
    assert [e.kind for e in await store.read(STREAM)].count("change.unknown") == 1


async def test_where_nothing_can_tell_a_person_decides(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    world = World(tells=False)
    await settled(store, clock, world)
    await approve(store)
    run = await settled(store, clock, world)
    assert run.waiting == "decision"
    decided = Draft("decision.made", {"option": "o1", "choice": "worked", "note": ""}, "olivia")
    await store.commit([Append(STREAM, (decided,))])
    assert (await settled(store, clock, world)).outcome == "resolved"
    assert world.applied == 1


class Silent(World):
    """A world in which nobody can say anything of a change."""

    async def diagnose(self) -> Mapping[str, object]:
        return {"healthy": False, "seconds": 0.1, "causes": [], "checks": []}

    async def verify(self, command: Command) -> Verification | None:
        return None


@pytest.mark.parametrize("dies", ["", "after"])
async def test_a_change_that_nothing_verifies_asks_the_person_at_once(fresh_store: Fresh, dies: str) -> None:
    found = await fresh_store()
    store, clock, world = found.store, found.clock, Silent(dies=dies)
    bare = replace(PROGRAM, verification=())
    await store.commit([Append(STREAM, (replace(started(), data={**started().data, "program": bare.as_dict()}),))])
    await settled(store, clock, world)
    await approve(store)
    with pytest.raises(Killed) if dies else nullcontext():
        await driver(store, clock, world).drive("R1")
    run = await driver(store, clock, world).drive("R1")
    assert run.waiting == "decision"  # and no time has passed
    assert [e.kind for e in await store.read(STREAM)].count("verification.done") == 1


async def test_a_verification_that_goes_on_looks_seldom_and_until_its_time_is_up(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    world = World(tells=False)
    await settled(store, clock, world)
    await approve(store)
    await settled(store, clock, world)
    looks = [e.at for e in await store.read(STREAM) if e.kind == "verification.done"]
    assert 5 < len(looks) < 20
    assert looks[1] - looks[0] <= timedelta(seconds=1)  # a quick cure is seen quickly
    assert looks[-1] - looks[0] == plan.VERIFY_WITHIN


async def test_whoever_is_told_to_stop_ends_the_move_and_leaves_the_rest(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    world = World()
    await settled(store, clock, world)
    await approve(store)
    with pytest.raises(Stopping):
        await driver(store, clock, world).drive("R1", stopping=lambda: world.applied > 0)
    assert [e.kind for e in await store.read(STREAM)][-1] == "change.done"
    assert (await settled(store, clock, world)).outcome == "resolved"
    assert world.applied == 1


async def test_nobody_approving_fails_closed(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    world = World()
    await settled(store, clock, world)
    clock.advance(timedelta(hours=2).total_seconds())
    run = await settled(store, clock, world)
    assert run.chosen[0].state is ChangeState.EXPIRED
    assert world.applied == 0


async def test_observe_mode_proposes_and_applies_nothing(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store, "observe")
    world = World()
    run = await settled(store, clock, world)
    assert (run.outcome, world.applied) == ("proposed", 0)


async def test_a_freeze_stops_an_approved_change(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    world = World()
    await settled(store, clock, world)
    await approve(store)
    run = await driver(store, clock, world, frozen="a migration").drive("R1")
    assert world.applied == 0
    assert "frozen: a migration" in run.chosen[0].reason


async def test_what_a_guard_refuses_is_not_offered(fresh_store: Fresh) -> None:
    store, clock = await begun(fresh_store)
    run = await settled(store, clock, World(refused="protected"))
    assert not run.chosen
    assert run.outcome == "unresolved"


async def test_the_plan_of_a_finished_run_is_empty(fresh_store: Fresh) -> None:
    drafts = await whole(fresh_store)
    store, clock = await begun(fresh_store)
    await store.commit([Append(STREAM, tuple(drafts[1:]))])
    journal = await store.read(STREAM)
    assert plan.plan(journal, clock.now()) == ()
    assert fold(journal) is not None

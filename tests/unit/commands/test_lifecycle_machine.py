"""Whatever people do to an incident, in whatever order and at whatever times: its promises add up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hutch.commands import incidents, paging, todo
from hutch.commands.context import CommandError, Context, Service
from hutch.model.clock import ClockState
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import find_break
from hutch.model.incident import Incident, Phase
from hutch.model.severity import DEFAULT_POLICY, Severity
from hutch.store.clock import SystemClock
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore
from passing import Passing

PEOPLE = st.sampled_from(["olivia", "peter", "sam"])


class Room(RuleBasedStateMachine):
    """One incident, its clock, and the people in it."""

    def passes(self) -> Passing:
        """How time passes."""
        return Passing(FakeClock())

    @initialize(severity=st.sampled_from(list(Severity)))
    def declare(self, severity: Severity) -> None:
        self.loop = asyncio.new_event_loop()
        self.passing = self.passes()
        self.clock = self.passing.clock
        store = MemoryStore(self.clock)
        shop = Service(ServiceConfig("shop"), {})
        config = self.passing.config(Config(services={"shop": shop.config}))
        self.context = Context(
            config, Path(), store, MemoryQueue(store), self.clock, FakeSecrets({}), {"shop": shop}, {}
        )  # fmt: skip
        self.latest = self.clock.now()
        self.state = self.do(incidents.declare(self.context, title="t", service="shop", severity=severity))
        self.items = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def act(self, work: Coroutine[Any, Any, Incident]) -> None:
        self.state = self.do(work)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    @rule(seconds=st.one_of(st.floats(0, 600), st.floats(0, 4 * 86400)))
    def time_passes(self, seconds: float) -> None:
        self.do(self.passing.on(seconds=seconds))
        self.latest = max(self.latest, self.clock.now())

    @rule(seconds=st.floats(0, 3600))
    def the_clock_is_set_back(self, seconds: float) -> None:
        if isinstance(self.clock, FakeClock):  # nobody sets back the machine's own
            self.clock.advance(-seconds)

    @rule()
    def the_clocks_are_looked_at(self) -> None:
        self.do(paging.attend(self.context, self.state.id))
        self.state = self.do(incidents.load(self.context, self.state.id))

    @rule(who=PEOPLE)
    def acknowledge(self, who: str) -> None:
        before = self.state.acknowledged_by
        self.act(incidents.acknowledge(self.context, self.state.id, who))
        assert self.state.acknowledged_by == (before or who)

    @rule(severity=st.sampled_from(list(Severity)), who=PEOPLE)
    def change_severity(self, severity: Severity, who: str) -> None:
        self.act(incidents.set_severity(self.context, self.state.id, severity, "it is so", who))
        assert self.state.severity is severity

    @rule(who=PEOPLE)
    def post_update(self, who: str) -> None:
        self.act(incidents.post_update(self.context, self.state.id, "we look", who))

    @rule(who=PEOPLE)
    def resolve(self, who: str) -> None:
        self.act(incidents.resolve(self.context, self.state.id, "well again", who))
        assert not self.state.open and not self.state.firing

    @rule(who=PEOPLE)
    def reopen(self, who: str) -> None:
        self.act(incidents.reopen(self.context, self.state.id, "it is back", who))
        assert self.state.open

    @rule()
    def the_watch_ends(self) -> None:
        self.act(incidents.end_watch(self.context, self.state.id))

    @rule(days=st.floats(0.1, 30), who=PEOPLE)
    def add_an_item(self, days: float, who: str) -> None:
        due = self.clock.now() + timedelta(days=days)
        self.act_on(todo.add(self.context, self.state.id, todo.Wanted("bound it", who, due, ""), who))
        self.items += 1

    @precondition(lambda self: getattr(self, "items", 0))
    @rule(number=st.integers(1, 5), what=st.sampled_from(["done", "drop", "move"]), days=st.floats(0.1, 30))
    def end_an_item(self, number: int, what: str, days: float) -> None:
        item = f"{self.state.id}/{number}"
        due = self.clock.now() + timedelta(days=days)
        works = {
            "done": lambda: todo.done(self.context, item, "", "sam"),
            "drop": lambda: todo.drop(self.context, item, "no longer needed", "sam"),
            "move": lambda: todo.move(self.context, item, todo.Wanted(due=due), "sam"),
        }
        known = [i for i in self.state.items if i.number == number and i.open]
        try:
            self.act_on(works[what]())
            assert known
        except CommandError:
            assert not known

    def act_on(self, work: Coroutine[Any, Any, todo.Listed]) -> None:
        self.state = self.do(work).incident

    # -------------------------------------------------------------- what always holds

    @invariant()
    def its_log_is_a_chain_and_its_state_the_fold(self) -> None:
        events = self.do(self.context.store.read(self.state.stream))
        assert find_break(events) is None
        assert self.state == self.do(incidents.load(self.context, self.state.id))

    @invariant()
    def each_promise_is_said_once(self) -> None:
        events = self.do(self.context.store.read(self.state.stream))
        said = Counter((e.kind, e.data["clock"]) for e in events if e.kind in ("clock.warned", "clock.overdue"))
        assert not said or max(said.values()) == 1
        ended = Counter(e.data["clock"] for e in events if e.kind in ("clock.met", "clock.cancelled"))
        assert not ended or max(ended.values()) == 1, "a promise ends once"

    @invariant()
    def what_is_owed_fits_the_state(self) -> None:
        running = Counter(c.name for c in self.state.clocks if c.state is ClockState.RUNNING)
        assert all(running[name] <= 1 for name in ("response", "update", "review"))
        if self.state.open:
            cadence = DEFAULT_POLICY[self.state.severity].update
            assert bool(running["update"]) == bool(cadence), "updates are owed while it is open"
            assert not running["review"]
        else:
            assert not running["update"] and not running["response"]
            assert running["review"] == 1
        assert running["todo"] == sum(1 for item in self.state.items if item.open)

    @invariant()
    def what_was_late_says_by_how_much(self) -> None:
        for clock in self.state.clocks:
            if clock.state is ClockState.MET and clock.ended_at:
                assert clock.late_by == max(clock.ended_at - clock.due, timedelta(0))

    @invariant()
    def its_phase_fits(self) -> None:
        if not self.state.open:
            assert self.state.phase in (Phase.RESOLUTION, Phase.REVIEW)
        if self.state.phase is Phase.REVIEW and not self.state.open:
            assert self.state.watch_until is None


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


class RoomOnTheWall(Room):
    """The same by the machine's own clock, a million times as fast: four days are a third of a second."""

    def passes(self) -> Passing:
        """How time passes."""
        return Passing(SystemClock(), 1e-6)


TestRoomOnTheWall = pytest.mark.slow(RoomOnTheWall.TestCase)
TestRoomOnTheWall.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)

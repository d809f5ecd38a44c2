"""One drill over a service in memory, with real processes as faults: refused, broken off, alarmed, closed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.commands import incidents
from hutch.commands.context import Context, Service
from hutch.commands.drills import drill as drills
from hutch.commands.drills import stage as stages
from hutch.commands.drills.drill import run_drill
from hutch.commands.drills.result import Result, Traffic
from hutch.commands.drills.stage import Stage
from hutch.commands.drills.visitor import Visitor, visiting
from hutch.model.config import Config, ServiceConfig
from hutch.model.finding import Cause, Finding, Object, Status
from hutch.model.severity import Severity
from hutch.ports import Connection, Provider, TargetConfig
from hutch.store.clock import SystemClock
from hutch.testing import FakeSecrets, MemoryQueue, MemoryStore

HOLDS = """
import json, sys
open(sys.argv[1], "a").write("on ")
print(json.dumps({"state": "on", "object": {"kind": "table", "id": "t"}}), flush=True)
sys.stdin.read()
open(sys.argv[1], "a").write("off ")
print(json.dumps({"state": "off"}), flush=True)
"""
DIES = """
import sys, time
print('{"state": "on", "object": {"kind": "table", "id": "t"}}', flush=True)
time.sleep(0.3)
sys.exit("lost the database")
"""


@dataclass(frozen=True)
class Made:
    code: str = HOLDS
    name: str = "made"
    summary: str = "made for this test"
    cause: str = "x.y"
    object_kind: str = "table"
    remedies: Sequence[str] = ("a.b",)
    spares: Sequence[str] = ()

    def argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", self.code, str(ready_file))

    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write('undone ')", str(ready_file))


@dataclass
class World:
    """A service whose illness is a switch."""

    folder: Path
    flows: bool = True
    ill_when: Callable[[], bool] = lambda: False
    told: list[str] = field(default_factory=list)

    @property
    def done(self) -> str:
        """What faults did, in order."""
        ready = self.folder / "ready"
        return ready.read_text() if ready.exists() else ""

    def stage(self) -> Stage:
        clock = SystemClock()

        async def check() -> Finding:
            return Finding("x.check", "x", Status.BAD if self.ill_when() else Status.OK, "seen", clock.now())

        def explain(_: Sequence[Finding]) -> Sequence[Cause]:
            return [Cause("x.y", Object("table", "t"), 0.9, "a table is gone", "x")] if self.ill_when() else []

        def closed(_: TargetConfig) -> Connection:
            raise AssertionError("opened already")

        shop = Service(ServiceConfig("shop"), {"x": Connection("x", checks={"x.check": check})})
        provider, store = Provider("x", "x", (), closed, explain), MemoryStore(clock)
        context = Context(
            Config(mode="act", services={"shop": shop.config}), self.folder, store, MemoryQueue(store), clock,
            FakeSecrets({}), {"shop": shop}, {"x": provider},
        )  # fmt: skip

        async def traffic() -> Traffic:
            return Traffic(100, 0)

        return Stage(
            context, self.folder / "ready", self.folder, traffic, Visitor(""), lambda: self.flows, self.told.append
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps, sooner."""
    for place, name, value in (
        (stages, "PAUSE", 0.01), (drills, "EARLIEST", 0.0), (drills, "LATEST", 0.01), (drills, "NO_FAULT_LASTS", 1.0),
        (drills, "LOOK_EVERY", 0.1),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, value)


async def drilled(world: World, fault: Made, within: float = 0.2) -> Result:
    return await run_drill(world.stage(), fault, 1, within)


async def test_a_service_that_is_ill_gets_no_fault(tmp_path: Path) -> None:
    world = World(tmp_path, ill_when=lambda: True)
    result = await drilled(world, Made())
    assert result.verdict == "refused"
    assert result.reasons == ("the service is ill before the fault: x.y: a table is gone",)
    assert world.done == ""


async def test_nor_does_one_without_load(tmp_path: Path) -> None:
    result = await drilled(World(tmp_path, flows=False), Made())
    assert result.reasons == ("the service is ill before the fault: the load does not come through",)


async def test_what_an_earlier_drill_left_open_is_closed_first(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = world.stage()
    await incidents.declare(stage.context, title="old", service="shop", severity=Severity.SEV2)
    result = await run_drill(stage, Made(cause=""), 1, 0.2)
    assert result.reasons[0].startswith("the service is ill before the fault: the regression watch of INC-")
    assert [i.open for i in await incidents.listing(stage.context)] == [False]


async def test_a_quiet_no_fault_passes_and_is_undone(tmp_path: Path) -> None:
    world = World(tmp_path)
    result = await drilled(world, Made(cause="", remedies=()))
    assert (result.verdict, result.alarms) == ("passed", ())
    assert world.done == "on off "


async def test_a_cause_that_is_named_for_a_no_fault_is_a_false_alarm(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ill_when = lambda: world.done == "on "
    result = await drilled(world, Made(cause="", remedies=()))
    assert result.verdict == "failed"
    assert result.harm.false_alarms == len(result.alarms) >= 1
    assert result.alarms[0] == "false alarm: x.y was named (a table is gone)"


async def test_an_incident_that_is_opened_for_a_no_fault_is_a_false_alarm(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage = world.stage()
    declared: list[str] = []

    async def traffic() -> Traffic:
        if not declared:
            declared.append("once")
            await incidents.declare(stage.context, title="t", service="shop", severity=Severity.SEV2)
        return Traffic()

    loud = Stage(stage.context, stage.ready_file, stage.folder, traffic, stage.visitor, stage.flowing, stage.say)
    result = await run_drill(loud, Made(cause="", remedies=()), 1, 0.2)
    assert len(result.alarms) == 1
    assert "was opened by no alert" in result.alarms[0]
    assert [i.open for i in await incidents.listing(stage.context)] == [False]


async def test_a_fault_that_dies_fails_the_drill_and_is_undone(tmp_path: Path) -> None:
    world = World(tmp_path)
    result = await drilled(world, Made(DIES))
    assert result.verdict == "failed"
    said = "made: its process died while the fault should stand: lost the database; undone by its undo"
    assert result.reasons == (said,)
    assert world.done == "undone "


class Stuck(Made):
    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", "import sys; sys.exit('the table is locked')")


async def test_one_whose_undo_fails_too_says_so_and_what_is_left_ill_gets_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    result = await drilled(world, Stuck(DIES))
    assert (result.verdict, world.done) == ("failed", "")
    assert result.reasons[0].endswith("lost the database; its undo failed: the table is locked")
    world.ill_when = lambda: True
    again = await drilled(world, Made())
    assert again.verdict == "refused" and world.done == ""


async def test_a_visitor_notes_when_a_request_without_an_answer_began() -> None:
    begin = datetime.now(UTC)
    async with visiting("http://127.0.0.1:1/") as visitor:
        while not visitor.unanswered:
            await visitor.settled()
            await asyncio.sleep(0.01)
    assert visitor.between(begin, datetime.now(UTC)) >= 1
    assert visitor.between(begin, begin) == 0

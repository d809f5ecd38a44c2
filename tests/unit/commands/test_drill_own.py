"""A drill against a team's own service: what is refused, and that it ends whoever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands.context import CommandError, Context, Service
from hutch.commands.drills import own, watchdog
from hutch.commands.drills.own_records import Records, Standing
from hutch.commands.drills.watchdog import heal, watch
from hutch.commands.freeze import freeze
from hutch.model.config import Config, DrillConfig, ServiceConfig
from hutch.model.finding import Cause, Finding, Object, Status
from hutch.ports import Connection, Provider, TargetConfig
from hutch.store.clock import SystemClock
from hutch.testing import FakeSecrets, MemoryQueue, MemoryStore

HOLDS = """
import json, sys
log = open(sys.argv[1], "a")
print(json.dumps({"state": "on", "object": {}}), flush=True)
print("on", file=log, flush=True)
sys.stdin.read()
print("off", file=log, flush=True)
print(json.dumps({"state": "off"}), flush=True)
"""
DIES = "import time; print('{\"state\": \"on\"}', flush=True); time.sleep(0.3); raise SystemExit('lost the database')"
UNDOES = "import sys; open(sys.argv[1], 'a').write('undone\\n')"
FAILS = "raise SystemExit('the database is away')"


@dataclass(frozen=True)
class Made:
    code: str = HOLDS
    way_back: str = UNDOES
    name: str = "made"
    summary: str = "made for this test"
    cause: str = "x.y"
    object_kind: str = "table"
    remedies: Sequence[str] = ()
    spares: Sequence[str] = ()
    own_service: object = True

    def argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", self.code, str(ready_file))

    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        return (sys.executable, "-c", self.way_back, str(ready_file))


@dataclass(frozen=True)
class NoUndo:
    name: str = "made"
    own_service: bool = True


@dataclass
class World:
    folder: Path
    ill: bool = False

    @property
    def log(self) -> Path:
        return self.folder / "done"

    @property
    def done(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    @property
    def service(self) -> Service:
        clock = SystemClock()

        async def check() -> Finding:
            return Finding("x.check", "x", Status.BAD if self.ill else Status.OK, "seen", clock.now())

        allowed = DrillConfig(("made",), str(self.log), timedelta(minutes=5))
        return Service(ServiceConfig("shop", drills=allowed), {"x": Connection("x", checks={"x.check": check})})

    @property
    def context(self) -> Context:
        def closed(_: TargetConfig) -> Connection:
            raise AssertionError("opened already")

        def explain(_: Sequence[Finding]) -> Sequence[Cause]:
            return [Cause("x.y", Object("table", "t"), 0.9, "a table is gone", "x")] if self.ill else []

        clock, shop = SystemClock(), self.service
        store = MemoryStore(clock)
        return Context(
            Config(mode="act", services={"shop": shop.config}), self.folder, store, MemoryQueue(store), clock,
            FakeSecrets({}), {"shop": shop}, {"x": Provider("x", "x", (), closed, explain)},
        )  # fmt: skip

    def record(self, fault: Made, seconds: float = 30.0, state: str = "making") -> Standing:
        argv, undo = fault.argv(self.log), fault.undo_argv(self.log)
        return Standing("shop", "made", tuple(argv), tuple(undo), "2026-03-01T12:00:00Z", seconds, "ann", state)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "home")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "BETWEEN", 0.0)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("fault", "allowed", "length", "why"),
    [
        (Made(), DrillConfig(), MINUTE, "services.shop allows no drills"),
        (Made(), DrillConfig(("other",)), MINUTE, "services.shop.drills.faults does not name made; it names other"),
        (Made(own_service=False), DrillConfig(("made",)), MINUTE, "made does not declare itself safe"),
        (Made(own_service="yes"), DrillConfig(("made",)), MINUTE, "made does not declare itself safe"),
        (NoUndo(), DrillConfig(("made",)), MINUTE, "made offers no undo"),
        (Made(), DrillConfig(("made",), longest=timedelta(seconds=59)), MINUTE, "longest allows (59 s)"),
        (Made(), DrillConfig(("made",), longest=MINUTE), MINUTE, ""),
    ],
)
def test_only_what_both_declare_safe(fault: Made, allowed: DrillConfig, length: timedelta, why: str) -> None:
    found = own.refusal(fault, Service(ServiceConfig("shop", drills=allowed), {}), length)
    assert (why in found) if why else found == ""


async def refused(world: World, records: Records, context: Context | None = None) -> str:
    with pytest.raises(CommandError) as caught:
        await own.start(context or world.context, records, Made(), world.service, MINUTE, "ann")
    assert caught.value.code == 3
    return str(caught.value)


async def test_a_service_that_is_ill_or_frozen_gets_none(world: World, records: Records) -> None:
    world.ill = True
    assert "shop is ill already (x.y: a table is gone)" in await refused(world, records)
    world.ill, context = False, world.context
    await freeze(context, "a sale", "ann")
    assert "changes are frozen (a sale" in await refused(world, records, context)
    assert (world.done, records.all()) == ([], [])


async def test_it_stands_until_somebody_stops_it_and_there_is_one_at_a_time(world: World, records: Records) -> None:
    record = await own.start(world.context, records, Made(), world.service, MINUTE, "ann")
    assert (record.state, record.by, records.watched("shop")) == ("on", "ann", True)
    assert "made in shop: on: `hutch drill stop --service shop` ends it" in await refused(world, records)
    ended = await own.stop(records, "shop")
    assert (ended.state, ended.said, world.done) == ("undone", "stopped by a person", ["on", "off"])
    with pytest.raises(CommandError, match="no drill stands in shop"):
        await own.stop(records, "shop")


async def test_its_time_ends_it(world: World, records: Records) -> None:
    ended = await watch(records, world.record(Made(), seconds=0.3))
    assert (ended.state, ended.said, world.done) == ("undone", "its 0.3 s were over", ["on", "off"])
    assert records.read("shop") == ended


async def test_a_fault_whose_process_dies_is_undone_by_its_undo(world: World, records: Records) -> None:
    ended = await watch(records, world.record(Made(DIES)))
    assert (ended.state, world.done) == ("undone", ["undone"])
    assert "lost the database" in ended.said


async def test_one_that_cannot_be_undone_is_said_and_stays_so_until_it_can(world: World, records: Records) -> None:
    ended = await watch(records, world.record(Made(DIES, FAILS)))
    assert (ended.state, ended.over) == ("stuck", False)
    assert "the database is away" in ended.said and "undo it by hand" in ended.said
    assert "made in shop: stuck" in await refused(world, records)
    with pytest.raises(CommandError, match="stuck"):
        await own.stop(records, "shop")
    records.write(replace(ended, undo=tuple(Made().undo_argv(world.log))))
    assert ((await own.stop(records, "shop")).state, world.done) == ("undone", ["undone"])


async def test_one_that_refuses_touched_nothing(world: World, records: Records) -> None:
    ended = await watch(records, world.record(Made("import sys; print('not here', file=sys.stderr); sys.exit(3)")))
    assert (ended.state, ended.over, ended.said) == ("refused", True, "made: not here")


async def test_a_watchdog_that_is_killed_ends_the_fault_and_the_next_start_undoes_what_is_left(
    world: World, records: Records
) -> None:
    record = await own.start(world.context, records, Made(), world.service, MINUTE, "ann")
    os.kill(record.pid, signal.SIGKILL)
    for _ in range(300):
        if world.done == ["on", "off"] and not records.watched("shop"):
            break
        await asyncio.to_thread(time.sleep, 0.1)
    assert world.done == ["on", "off"]  # its input ended: it undid itself
    (healed,) = await heal(records)
    assert (healed.state, healed.said) == ("undone", "its watchdog was killed; undone by its undo")
    assert (world.done, await heal(records)) == (["on", "off", "undone"], [])


async def test_what_is_watched_is_not_healed(world: World, records: Records) -> None:
    records.write(world.record(Made(), state="on"))
    with records.held("shop") as free:
        assert free
        assert await heal(records) == []
    assert [record.state for record in await heal(records)] == ["undone"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"service": "shop"}', "[" * 100_000])
async def test_a_record_that_says_nothing_stands_in_the_way(world: World, records: Records, text: str) -> None:
    records.folder.mkdir(parents=True)
    records.path("shop").write_text(text)
    with pytest.raises(CommandError, match="does not say what stands in the service"):
        await own.start(world.context, records, Made(), world.service, MINUTE, "ann")
    assert world.done == []

"""Probes by the clock: each at its own time, none piled up, none without an end; what they see reaches the signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.context import Context, Service
from hutch.commands.monitor import Monitor
from hutch.commands.probing import Prober, offset
from hutch.model.config import Config, ServiceConfig
from hutch.model.finding import Object
from hutch.model.probe import ProbeConfig, Probed, Sighting, State, state
from hutch.ports import Probe
from hutch.store.aside import in_database, in_file
from hutch.store.sightings import SightingTable
from hutch.testing import START, FakeClock, FakeSecrets, MemoryQueue, MemoryStore

WELL = Probed(True, "fine, by hunter2222", {"total": 0.25}, True)


def config(name: str, seconds: float = 10, *locations: str, timeout: float = 2) -> ProbeConfig:
    every, limit = timedelta(seconds=seconds), timedelta(seconds=timeout)
    return ProbeConfig(name, "shop", "tcp", "x:1", {}, every, limit, locations or ("local",))


class World:
    """A context whose probes do what a test says, and the times of their looks in seconds since the start."""

    def __init__(self, folder: Path, probes: list[ProbeConfig], look: Callable[[str], Any] | None = None) -> None:
        self.clock = FakeClock()
        self.looks: list[tuple[str, float]] = []
        store = MemoryStore(self.clock)
        self.table = SightingTable(in_file(folder / "samples.db"))
        service = Service(ServiceConfig("shop"), {})
        self.context = Context(
            Config(services={"shop": service.config}, probes=tuple(probes)), folder, store, MemoryQueue(store),
            self.clock, FakeSecrets({"env:X": "hunter2222"}), {"shop": service}, {},
            sightings=self.table, open_probe=self._open,
        )  # fmt: skip
        self._look = look

    def _open(self, config: ProbeConfig) -> Probe:
        async def probe() -> Probed:
            self.looks.append((config.name, (self.clock.now() - START).total_seconds()))
            return (await self._look(config.name)) if self._look else WELL

        return probe

    def prober(self, **settings: Any) -> Prober:
        return Prober(self.context, "local", tick=lambda: (self.clock.now() - START).total_seconds(), **settings)

    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            for _ in range(6):
                await asyncio.sleep(0)


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    return lambda probes, look=None: World(tmp_path, probes, look)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_turns_are_spread_by_name_and_never_drift(world: Callable[..., World]) -> None:
    names = [f"probe {n}" for n in range(40)]
    here = world([config(n) for n in names] + [config("elsewhere", 10, "frankfurt")])
    running = asyncio.create_task(here.prober().run())
    await asyncio.sleep(0)
    await here.pass_time(100)
    await ended(running)
    times = {n: [at for name, at in here.looks if name == n] for n in names}
    assert "elsewhere" not in {name for name, _ in here.looks}
    for name in names:
        assert len(times[name]) == 10
        due = [offset(name, "local", 10.0) + 10.0 * turn for turn in range(10)]
        assert all(0 <= at - at_due < 0.51 for at, at_due in zip(times[name], due, strict=True))
    firsts = sorted(times[n][0] for n in names)
    assert firsts[10] < 5 < firsts[30], "they do not begin together"


async def test_a_slow_probe_leaves_out_its_next_turn_and_says_so(
    world: Callable[..., World], caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()

    async def look(name: str) -> Probed:
        if name == "slow":
            await gate.wait()
        return WELL

    here = world([config("slow", timeout=60), config("quick")], look)
    prober = here.prober()
    running = asyncio.create_task(prober.run())
    await asyncio.sleep(0)
    await here.pass_time(50)
    assert [n for n, _ in here.looks].count("slow") == 1
    assert [n for n, _ in here.looks].count("quick") == 5
    gate.set()
    await here.pass_time(10)
    await ended(running)
    assert "4 turns of probes are left out, since the last look has not ended: slow" in caplog.text
    last = {s.probe: s for s in await here.table.latest()}
    assert (last["slow"].skipped, last["quick"].skipped) == (4, 0)
    assert prober.figures.skipped == 4
    await here.table.close()


async def test_few_may_look_at_once_and_lateness_is_measured(world: Callable[..., World]) -> None:
    most = now = 0

    async def look(_name: str) -> Probed:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await here.clock.sleep(2)
        now -= 1
        return WELL

    here = world([config(f"p{n}") for n in range(12)], look)
    prober = here.prober(at_once=2)
    running = asyncio.create_task(prober.run())
    await asyncio.sleep(0)
    await here.pass_time(30)
    await ended(running)
    assert most == 2
    assert prober.figures.late_p99() > 1
    assert prober.figures.skipped > 0, "who still waits leaves out its next turn"
    await here.table.close()


async def test_a_probe_that_holds_no_limit_or_breaks_is_given_up(world: Callable[..., World]) -> None:
    async def look(name: str) -> Probed:
        if name == "broken":
            raise KeyError("hunter2222")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if stubborn.pop():
                    raise

    stubborn = [True, False, False]
    here = world([config("broken", 1), config("stubborn", 1, timeout=0.01)], look)
    running = asyncio.create_task(here.prober().run())
    await asyncio.sleep(0)
    await here.pass_time(2)
    for _ in range(30):
        await asyncio.sleep(0.05)
    await here.pass_time(3)
    await ended(running)
    seen = {s.probe: s.seen for s in await here.table.latest()}
    assert seen["stubborn"].detail == "no end within 0.01 s; the look was given up"
    assert seen["broken"].detail == "the probe broke: KeyError: '•••'"
    assert [n for n, _ in here.looks].count("stubborn") == 1, "it still has its place"
    await here.table.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_every_process_sees_what_all_places_saw(kind: str, tmp_path: Path, request: Any) -> None:
    url = request.getfixturevalue("database_url") if kind == "postgres" else ""
    engine = in_database(url) if url else in_file(tmp_path / "samples.db")
    here, there = SightingTable(engine), SightingTable(engine)
    ill = Probed(False, "no answer", {"total": 2.0}, False, "http.unreachable", Object("host", "x"))
    assert await here.keep([Sighting("a", "shop", "local", START, WELL)])
    assert await there.keep([Sighting("a", "shop", "fra", START, ill), Sighting("b", "mail", "fra", START, WELL)])
    assert await there.keep([Sighting("a", "shop", "fra", START + timedelta(seconds=9), WELL)])
    found = {(s.probe, s.location): s.at for s in await here.latest("shop")}
    assert found == {("a", "local"): START, ("a", "fra"): START + timedelta(seconds=9)}
    await here.forget(START + timedelta(seconds=1))
    assert [s.key for s in await there.latest()] == ["fra/a"]
    await here.close()
    await there.close()


async def test_signals_come_from_all_places_and_silence_is_no_zero(world: Callable[..., World]) -> None:
    probes = [config("a", 10, "local", "fra"), config("b", 10, "local")]
    here = world(probes)
    monitor = Monitor(here.context)
    watch = monitor.watches["shop"]
    await monitor.look(watch)
    assert watch.values["uptime"] is None and watch.values["probe_duration"] is None
    ill = Probed(False, "no", {"total": 3.0}, False, "tcp.unreachable", Object("host", "x:1"))
    here.clock.advance(1)
    now = here.clock.now()
    await here.table.keep([Sighting("a", "shop", "local", now, WELL), Sighting("a", "shop", "fra", now, ill)])
    await monitor.look(watch)
    assert (watch.values["uptime"], watch.values["probe_duration"]) == (50.0, 250.0)
    await monitor.diagnose(watch)
    here.clock.advance(23)
    await here.table.keep([Sighting("a", "shop", "local", here.clock.now(), WELL)])
    await monitor.look(watch)
    assert watch.values["uptime"] == 100.0, "what fra saw counts no longer"
    assert [state(p.sighting, p.probe.counts_for(), here.clock.now()) for p in watch.sources.places] == [
        State.OK, State.SILENT, State.SILENT,
    ]  # fmt: skip
    await watch.sources.close()
    await here.table.close()

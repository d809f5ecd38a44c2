"""Who watches the watcher: late evaluations are said, and the switch outside is pinged only while all is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hutch.commands import incidents
from hutch.commands.board import Board
from hutch.commands.context import Context
from hutch.commands.monitor import Monitor
from hutch.commands.overseer import LATE, OWN, SIGNAL, Beat, Overseer
from hutch.commands.vitals import SOURCES, Vitals
from hutch.model.config import Config, Watchdog
from hutch.model.incident import Incident
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


@pytest.fixture
def context() -> Context:
    return made()


def made(config: Config | None = None, **secrets: str) -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    known = FakeSecrets({f"env:{name}": value for name, value in secrets.items()})
    return Context(config or Config(), Path(), store, MemoryQueue(store), clock, known, {}, {})


def late(seconds: float) -> list[Beat]:
    return [Beat(asyncio.get_running_loop().time() - seconds), Beat(asyncio.get_running_loop().time() + 3)]


async def looked(context: Context, overseer: Overseer, seconds: float = 35) -> Incident | None:
    await overseer.look()
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(seconds)
    await overseer.look()
    found = await incidents.listing(context)
    return found[0] if found else None


async def test_falling_behind_opens_an_incident_and_catching_up_ends_its_alert(context: Context) -> None:
    beats = late(LATE + 5)
    overseer = Overseer(context, lambda: beats)
    state = await looked(context, overseer)
    assert state and (state.service, state.severity.label, state.firing) == (OWN, "SEV-2", True)
    assert "20 s late" in state.summary
    assert context.vitals.behind and context.vitals.worst == pytest.approx(LATE + 5, abs=1)
    beats[0].due += LATE + 5
    state = await looked(context, overseer)
    assert state and not state.firing and not context.vitals.behind


async def test_one_slow_moment_is_not_falling_behind(context: Context) -> None:
    beats = late(LATE + 5)
    overseer = Overseer(context, lambda: beats)
    await overseer.look()
    beats[0].due += LATE + 5
    assert await looked(context, overseer) is None
    assert await looked(context, Overseer(context, list)) is None


async def test_what_a_killed_one_left_firing_is_ended(context: Context) -> None:
    beats = late(LATE + 5)
    await looked(context, Overseer(context, lambda: beats))
    again = replace(context, board=Board(), vitals=Vitals())
    state = await looked(again, Overseer(again, list))
    assert state and not state.firing


async def test_the_lateness_is_a_signal_of_its_own(context: Context) -> None:
    await Overseer(context, lambda: late(4)).look()
    shown = context.board.watched[OWN].signal(SIGNAL)
    assert shown and shown.value == pytest.approx(4, abs=1)


async def test_a_monitor_counts_its_evaluations_and_is_on_time() -> None:
    config = Config(scrape_every=timedelta(milliseconds=20), diagnose_every=timedelta(0))
    context = made(config)
    monitor = Monitor(context)
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(0.05)
    assert context.vitals.watching
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not context.vitals.watching


# ------------------------------------------------------------------ the switch outside


@pytest.fixture
async def switch() -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=500 if request.path == "/broken" else 200)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), asked


async def test_the_switch_is_pinged_while_hutch_is_well(switch: tuple[str, list[str]]) -> None:
    url, asked = switch
    context = made(Config(watchdog=Watchdog("env:SWITCH", timedelta(seconds=0.02))), SWITCH=f"{url}/id-of-the-check")
    overseer = Overseer(context, list)
    task = asyncio.create_task(overseer.run())
    async with asyncio.timeout(5):
        while len(asked) < 3:
            await asyncio.sleep(0.01)
    context.vitals.behind = True
    await asyncio.sleep(0.1)
    count = len(asked)
    await asyncio.sleep(0.1)
    assert len(asked) == count, "who is behind must not look alive"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert set(asked) == {"/id-of-the-check"} and context.vitals.pings["ok"] == count


async def test_a_switch_that_does_not_answer_stops_nothing_and_stays_secret(
    switch: tuple[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    for place in (f"{switch[0]}/broken", "http://127.0.0.1:1/secret-id", "no address"):
        context = made(Config(watchdog=Watchdog("env:SWITCH")), SWITCH=place)
        await Overseer(context, list).ping()
        assert context.vitals.pings == {"failed": 1}
    unset = made(Config(watchdog=Watchdog("env:SWITCH")))
    await Overseer(unset, list).ping()
    assert "secret-id" not in caplog.text and "no secret env:SWITCH" in caplog.text


def test_names_of_sources_without_bounds_are_counted_as_one() -> None:
    vitals = Vitals()
    for number in range(SOURCES * 3):
        vitals.heard([(f"s{number}", "opened")])
    assert len(vitals.received) == SOURCES + 1
    assert vitals.received["other", "opened"] == SOURCES * 2

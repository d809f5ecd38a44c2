"""Clocks that fall due together are told together, each once: beside slow jobs, and after a kill -9 in the middle."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

import doomed_clocks
from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, paging
from hutch.commands.context import Context
from hutch.commands.worker import PARALLEL, TOGETHER, Worker
from hutch.model import incident as model
from hutch.model.config import Config, ServiceConfig
from hutch.model.severity import Severity
from hutch.ports import Append, Conflict, Job
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore

MANY = TOGETHER + 20

CONFIG = """
services: {shop: {}}
diagnose_every: 0s
notify: {channels: {team: {kind: webhook, url: "http://127.0.0.1:9/", audience: responders}}, reminders: true}
"""


def in_memory() -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    return Context(Config(services={"shop": ServiceConfig("shop")}), Path(), store, MemoryQueue(store), clock,
                   FakeSecrets({}), {}, {})  # fmt: skip


async def promised(context: Context, count: int) -> list[str]:
    """Incidents whose response is overdue, and whose update is."""
    data = {"title": "Down", "service": "shop", "runbook": "", "summary": "", "source": "person"}
    since = context.clock.now() - timedelta(hours=2)
    names = [f"INC-2026-{n:03d}" for n in range(count)]
    drafts = incidents.declaration(context, data, Severity.SEV1, since)
    appends = [Append(model.stream_of(name), drafts, expect=0) for name in names]
    await context.store.commit(appends, [incidents.clock_job(name) for name in names])
    return [model.stream_of(name) for name in names]


async def said(context: Context, streams: list[str]) -> Counter[tuple[str, object]]:
    found = await context.store.read_all(streams)
    return Counter((e.stream, e.data["clock"]) for events in found for e in events if e.kind == "clock.overdue")


async def until_all_said(context: Context, streams: list[str]) -> Counter[tuple[str, object]]:
    for _ in range(600):
        found = await said(context, streams)
        if len(found) == 2 * len(streams):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(found)} of {2 * len(streams)} were said")


async def test_jobs_that_take_long_make_no_promise_late() -> None:
    context = in_memory()
    worker, begun = Worker(context), list[object]()

    async def waits(taken: object) -> None:
        begun.append(taken)
        await asyncio.Event().wait()

    worker.handlers["drive"] = waits
    await context.store.commit([], [Job("drive", f"run:{n}") for n in range(PARALLEL + 2)])
    work = asyncio.create_task(worker.run())
    try:
        while len(begun) < PARALLEL:
            await asyncio.sleep(0.01)
        streams = await promised(context, MANY)
        assert set((await until_all_said(context, streams)).values()) == {1}
        assert len(begun) == PARALLEL
    finally:
        work.cancel()
        await asyncio.wait([work])


async def test_what_somebody_wrote_since_it_was_read_is_seen_before_anything_is_said() -> None:
    context = in_memory()
    (stream,) = await promised(context, 1)
    name = stream.removeprefix("incident:")
    events = (await paging.together(context, [name]))[name]
    await incidents.acknowledge(context, name, "olivia")
    await paging.attend(context, name, events=events)
    assert [clock for _, clock in await said(context, [stream])] == ["update-1"], "the response is met by now"


async def test_a_job_that_another_has_taken_over_says_nothing() -> None:
    context = in_memory()
    streams = await promised(context, 1)
    taken = await context.queue.take(["clock"])
    assert taken is not None
    await context.queue.finish(taken)
    with pytest.raises(Conflict):
        await paging.attend(context, str(taken.job.data["incident"]), taken.id)
    assert not await said(context, streams)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both of those that last."""
    if request.param == "postgres":
        monkeypatch.setenv("HUTCH_DATABASE_URL", request.getfixturevalue("database_url"))
    return str(request.param)


@pytest.mark.parametrize(
    ("number", "when"),
    [
        (1, "before"),
        pytest.param(1, "after", marks=pytest.mark.slow),
        pytest.param(40, "before", marks=pytest.mark.slow),
        (40, "after"),
        (MANY, "after"),
    ],
)
async def test_killed_in_the_middle_each_is_said_once(tmp_path: Path, store: str, number: int, when: str) -> None:
    config = tmp_path / "hutch.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    context = open_context(config)
    try:
        streams = await promised(context, MANY)
        doomed = await asyncio.create_subprocess_exec(
            sys.executable, doomed_clocks.__file__, str(config), str(number), when, stdin=subprocess.DEVNULL
        )
        assert await asyncio.wait_for(doomed.wait(), 60) == -signal.SIGKILL
        cut = len(await said(context, streams))
        assert cut < 2 * MANY or number == MANY
        work = asyncio.create_task(Worker(context).run())
        try:
            assert set((await until_all_said(context, streams)).values()) == {1}
        finally:
            work.cancel()
            await asyncio.wait([work])
        found = [e for events in await context.store.read_all(streams) for e in events if e.kind == "message.queued"]
        told = Counter((e.stream, e.data["about"]) for e in found)
        assert set(told.values()) == {1} and len(told) >= 2 * MANY
    finally:
        await context.close()

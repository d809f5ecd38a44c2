"""A part that breaks costs its own word, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.commands import incidents
from hutch.commands import worker as worker_module
from hutch.commands.context import Context, Service
from hutch.commands.diagnose import diagnose
from hutch.commands.monitor import Monitor
from hutch.commands.worker import Worker
from hutch.model.action import Sample
from hutch.model.config import Config, ServiceConfig
from hutch.model.finding import Cause, Finding, Status
from hutch.model.severity import Severity
from hutch.ports import Connection, Job, Provider, StoreAway, TargetConfig
from hutch.testing import FakeClock, FakeSecrets, MemoryQueue, MemoryStore


def explain(_findings: Sequence[Finding]) -> Sequence[Cause]:
    return ()


def closed(_target: TargetConfig) -> Connection:
    raise AssertionError("opened already")


def context_with(connection: Connection, runbook: str = "") -> Context:
    clock = FakeClock()
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop", runbook=runbook), {"x": connection})
    provider = Provider("x", "x", (), closed, explain)
    config = Config(mode="act", services={"shop": shop.config})
    return Context(config, Path(), store, MemoryQueue(store), clock, FakeSecrets({}), {"shop": shop}, {"x": provider})


async def test_a_check_that_breaks_could_not_tell() -> None:
    async def breaks() -> Finding:
        raise TypeError("a defect")

    async def well() -> Finding:
        return Finding("x.well", "x", Status.OK, "well", FakeClock().now())

    context = context_with(Connection("x", checks={"x.breaks": breaks, "x.well": well}))
    found = await diagnose(context, context.service())
    assert found.healthy is None
    assert {f.check: f.status for f in found.findings} == {"x.breaks": Status.UNKNOWN, "x.well": Status.OK}
    assert "TypeError: a defect" in found.findings[0].reason


async def test_a_scrape_that_breaks_leaves_the_others() -> None:
    async def breaks() -> Sequence[Sample]:
        raise TypeError("a defect")

    context = context_with(Connection("x", scrape=breaks))
    monitor = Monitor(context)
    await monitor.look(monitor.watches["shop"])
    assert monitor.watches["shop"].values["error_rate"] is None


async def test_a_job_that_breaks_is_tried_again_later_and_stops_nobody() -> None:
    context = context_with(Connection("x"))
    worker = Worker(context)
    tries: list[int] = []

    async def breaks(_taken: object) -> None:
        tries.append(1)
        raise TypeError("a defect")

    worker.handlers["drive"] = breaks
    await context.store.commit([], [Job("drive", "run:R1")])
    assert await worker.step()
    assert not await worker.step()
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(timedelta(minutes=1).total_seconds())
    assert await worker.step()
    assert len(tries) == 2


async def test_a_runbook_that_cannot_start_is_said_on_the_timeline() -> None:
    context = context_with(Connection("x"), "no-such-runbook")
    state = await incidents.declare(
        context, title="t", service="shop", severity=Severity.SEV2, runbook="no-such-runbook"
    )
    worker = Worker(context)
    for _ in range(5):
        await worker.step()
    notes = [e.data["text"] for e in await context.store.read(state.stream) if e.kind == "note.added"]
    assert len(notes) == 1 and "no runbook 'no-such-runbook'" in str(notes[0])


async def test_a_cancelled_worker_takes_its_work_with_it() -> None:
    context = context_with(Connection("x"))
    worker = Worker(context)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(_taken: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    worker.handlers["drive"] = waits
    await context.store.commit([], [Job("drive", "run:R1")])
    task = asyncio.create_task(worker.step())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert ended.is_set()


async def test_a_store_that_is_away_for_too_long_ends_no_idle_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    class AwayQueue(MemoryQueue):
        waits = 0

        async def wait(self, timeout: float) -> None:
            self.waits += 1
            if self.waits < 3:
                raise StoreAway("it is away")
            await super().wait(timeout)

    monkeypatch.setattr(worker_module, "FULL_WAIT", 0.01)
    queue = AwayQueue(MemoryStore(FakeClock()))
    context = replace(context_with(Connection("x")), queue=queue)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(context).run(stop))
    for _ in range(500):
        if queue.waits >= 4:
            break
        await asyncio.sleep(0.01)
    assert queue.waits >= 4 and not working.done()
    stop.set()
    await asyncio.wait_for(working, 10)

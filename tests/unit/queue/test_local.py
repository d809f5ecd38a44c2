"""What the local queue adds to the contract: its waiting is cheap and belongs to who asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hutch.ports import Job
from hutch.queue.local import POLL_SECONDS, LocalQueue
from hutch.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "hutch.db")
    yield store
    await store.close()


async def test_waiting_ends_at_its_timeout(store: SqliteStore) -> None:
    began = time.monotonic()
    await LocalQueue(store).wait(0.1)
    assert 0.1 <= time.monotonic() - began < 5


async def test_a_due_time_shorter_than_the_poll_is_met(store: SqliteStore) -> None:
    due = datetime.now(UTC) + timedelta(seconds=POLL_SECONDS / 3)
    await store.commit([], [Job("drive", "run:1", due)])
    queue = LocalQueue(store)
    assert await queue.take(["drive"]) is None
    await queue.wait(30)
    assert await queue.take(["drive"]) is not None


async def test_tasks_of_one_queue_wait_for_what_each_asked(store: SqliteStore) -> None:
    queue = LocalQueue(store)

    async def work(kind: str) -> str:
        while not (taken := await queue.take([kind])):
            await queue.wait(30)
        await queue.finish(taken)
        return taken.job.kind

    workers = [asyncio.create_task(work(kind)) for kind in ("drive", "wake")]
    await asyncio.sleep(0.05)
    await store.commit([], [Job("wake", "")])
    assert await asyncio.wait_for(workers[1], 10) == "wake"
    assert not workers[0].done()
    await store.commit([], [Job("drive", "")])
    assert await asyncio.wait_for(workers[0], 10) == "drive"


async def test_a_waiter_that_was_cancelled_is_forgotten(store: SqliteStore) -> None:
    waiting = asyncio.create_task(LocalQueue(store).wait(30))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert store._database._listeners == []
    await store.commit([], [Job("drive", "run:1")])


async def test_two_queues_on_one_store_share_its_locks(store: SqliteStore) -> None:
    await store.commit([], [Job("drive", "run:1"), Job("drive", "run:1")])
    assert await LocalQueue(store).take(["drive"]) is not None
    assert await LocalQueue(store).take(["drive"]) is None


async def test_what_is_far_ahead_is_not_looked_at(store: SqliteStore) -> None:
    """However many clocks run, a lane that waits for runs asks only for what is due before it asks again."""
    now = store.jobs.clock.now()
    later = [Job("drive", "run:1", now + timedelta(days=1)), Job("clock", "c", now + timedelta(hours=1))]
    await store.commit([], later)
    assert await store.jobs.next_due(["drive"], None, 60) is None
    due = await store.jobs.next_due(["drive"], None, 2 * 86400)
    assert due is not None and due > now + timedelta(hours=2)

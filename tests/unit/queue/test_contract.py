"""What every queue owes its callers: the same tests over memory, the jobs table of SQLite, and Postgres."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hutch.model.depth import Depth
from hutch.model.event import Draft
from hutch.ports import Append, Conflict, Job, Queue, Store, TakenJob
from hutch.testing import START, FakeClock
from stores import Opened

DAY = timedelta(days=1)


@pytest.fixture
def store(any_store: Opened) -> Store:
    return any_store.store


@pytest.fixture
def queue(any_store: Opened) -> Queue:
    return any_store.queue


@pytest.fixture
def clock(any_store: Opened) -> FakeClock:
    return any_store.clock


async def taken(queue: Queue, lock: str | None = None) -> TakenJob:
    job = await queue.take(["drive"], lock)
    assert job is not None
    return job


async def locks_taken(queue: Queue, limit: int = 20) -> list[str]:
    found: list[str] = []
    while len(found) < limit and (job := await queue.take(["drive"])):
        found.append(job.job.lock)
    return found


async def test_a_job_comes_back_as_it_was_deferred(store: Store, queue: Queue) -> None:
    due = START - timedelta(seconds=1)
    await store.commit([], [Job("drive", "run:1", due, {"why": ["a", 1]}, "once")])
    assert await taken(queue) == TakenJob(1, Job("drive", "run:1", due, {"why": ["a", 1]}, "once"), 1)


async def test_a_job_without_a_time_is_due_at_once(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1")])
    assert (await taken(queue)).job.run_at == START


async def test_only_the_kinds_and_the_lock_that_were_asked_for(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("wake", "run:1"), Job("drive", "run:2"), Job("drive", "run:3")])
    assert await queue.take([]) is None
    assert await queue.take(["other"]) is None
    assert (await taken(queue, "run:3")).job.lock == "run:3"
    assert await queue.take(["drive"], "run:1") is None
    both = await queue.take(["wake", "drive"])
    assert both is not None
    assert both.job.kind == "wake"


async def test_the_job_that_was_due_first_goes_first(store: Store, queue: Queue) -> None:
    ages = {"run:young": 1, "run:old": 30, "run:middle": 10, "run:same-a": 5, "run:same-b": 5}
    await store.commit([], [Job("drive", lock, START - timedelta(seconds=age)) for lock, age in ages.items()])
    assert await locks_taken(queue) == ["run:old", "run:middle", "run:same-a", "run:same-b", "run:young"]


async def test_one_lock_one_job(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1"), Job("drive", "run:1"), Job("drive", "run:2")])
    first = await taken(queue)
    assert await locks_taken(queue) == ["run:2"]
    await queue.finish(first)
    assert await locks_taken(queue) == ["run:1"]


async def test_the_lock_also_shuts_out_other_kinds(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1"), Job("wake", "run:1")])
    await taken(queue)
    assert await queue.take(["wake"]) is None


async def test_an_empty_lock_shuts_nobody_out(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", ""), Job("drive", "")])
    assert await locks_taken(queue) == ["", ""]


async def test_a_future_job_blocks_no_due_one(store: Store, queue: Queue, clock: FakeClock) -> None:
    await store.commit([], [Job("drive", "run:1", START + timedelta(seconds=60)), Job("drive", "run:1")])
    first = await taken(queue)
    assert first.job.run_at == START
    await queue.finish(first)
    assert await queue.take(["drive"]) is None
    clock.advance(60)
    assert await locks_taken(queue) == ["run:1"]


async def test_a_unique_job_replaces_the_waiting_one(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1", START - timedelta(seconds=9), {"n": 1}, "timer")])
    await store.commit([], [Job("drive", "run:1", START, {"n": 2}, "timer")])
    await store.commit([], [Job("drive", "run:2", START, {"n": 3}, "timer"), Job("drive", "run:1", START, {}, "x")])
    first = await taken(queue)
    assert first.job.data == {"n": 2}
    await queue.finish(first)
    assert sorted(await locks_taken(queue)) == ["run:1", "run:2"]


async def test_a_unique_job_leaves_the_taken_one_alone(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1", data={"n": 1}, unique="timer")])
    first = await taken(queue)
    await store.commit([], [Job("drive", "run:1", data={"n": 2}, unique="timer")])
    assert await queue.extend(first)
    await queue.finish(first)
    assert (await taken(queue)).job.data == {"n": 2}


async def test_a_failed_job_that_was_replaced_meanwhile_goes(store: Store, queue: Queue, clock: FakeClock) -> None:
    await store.commit([], [Job("drive", "run:1", data={"n": 1}, unique="timer")])
    first = await taken(queue)
    await store.commit([], [Job("drive", "run:1", data={"n": 2}, unique="timer")])
    await queue.fail(first, clock.now())
    second = await taken(queue)
    assert second.job.data == {"n": 2}
    await queue.finish(second)
    assert await queue.take(["drive"]) is None


async def test_a_failed_job_comes_back_at_its_time(store: Store, queue: Queue, clock: FakeClock) -> None:
    await store.commit([], [Job("drive", "run:1", data={"n": 1})])
    await queue.fail(await taken(queue), START + timedelta(seconds=5))
    assert await queue.take(["drive"]) is None
    clock.advance(5)
    again = await taken(queue)
    assert (again.attempts, again.job.data, again.job.run_at) == (2, {"n": 1}, START + timedelta(seconds=5))


async def test_a_dead_job_never_comes_back_and_frees_its_lock(any_store: Opened) -> None:
    store, queue, clock, rival = any_store.store, any_store.queue, any_store.clock, any_store.rival()
    await store.commit([], [Job("drive", "run:1"), Job("drive", "run:1", data={"n": 2})])
    await queue.fail(await taken(queue), None)
    assert (await taken(queue)).job.data == {"n": 2}
    clock.advance(3600)
    assert [job.data for job in [(await taken(rival)).job]] == [{"n": 2}]
    assert await rival.take(["drive"]) is None


async def test_a_lease_runs_out_and_the_loser_can_do_no_harm(any_store: Opened) -> None:
    store, queue, clock, rival = any_store.store, any_store.queue, any_store.clock, any_store.rival()
    await store.commit([], [Job("drive", "run:1")])
    lost = await taken(queue)
    clock.advance(14.9)
    assert await rival.take(["drive"]) is None
    clock.advance(0.1)
    again = await taken(rival)
    assert again.attempts == 2
    assert not await queue.extend(lost)
    await queue.finish(lost)
    await queue.fail(lost, None)
    assert await rival.extend(again)


async def test_extending_keeps_the_lease(any_store: Opened) -> None:
    store, queue, clock, rival = any_store.store, any_store.queue, any_store.clock, any_store.rival()
    await store.commit([], [Job("drive", "run:1")])
    job = await taken(queue)
    for _ in range(4):
        clock.advance(10)
        assert await queue.extend(job)
        assert await rival.take(["drive"]) is None
    await queue.finish(job)
    assert not await queue.extend(job)


async def test_a_conflict_keeps_the_job(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1")])
    job = await taken(queue)
    with pytest.raises(Conflict):
        await store.commit([Append("run:1", (Draft("a"),), expect=5)], done=job.id)
    assert await queue.extend(job)


async def test_many_are_taken_at_once_but_no_two_of_one_lock(store: Store, queue: Queue, clock: FakeClock) -> None:
    """As timers do: those that are due are taken, whether they were for later or not; the rest stays."""
    jobs = [Job("drive", f"run:{n}", START + timedelta(seconds=n % 2), unique="timer") for n in range(6)]
    await store.commit([], [*jobs, Job("drive", "run:0"), Job("other", "run:9"), Job("drive", "far", START + DAY)])
    clock.advance(2)
    assert await queue.take_all(["drive"], 0) == []
    first = await queue.take_all(["drive"], 4)
    assert len(first) == 4
    rest = await queue.take_all(["drive"], 20)
    assert {t.job.lock for t in (*first, *rest)} == {f"run:{n}" for n in range(6)} and len(rest) == 2
    for one in (*first, *rest):
        await queue.finish(one)
    again = await queue.take_all(["drive"], 20)
    assert [t.job.lock for t in again] == ["run:0"], "the second of its lock comes after the first"
    await store.commit([], done=again[0].id)
    assert await queue.take_all(["drive"], 20) == []


async def test_many_takers_share_the_jobs_without_doubles(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", f"run:{n}") for n in range(10)])
    found = await asyncio.gather(*(queue.take(["drive"]) for _ in range(15)))
    assert sorted(job.job.lock for job in found if job) == [f"run:{n}" for n in range(10)]


async def test_wait_returns_at_once_when_a_job_is_due(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1")])
    await asyncio.wait_for(queue.wait(3600), 5)


async def test_wait_ends_with_a_commit_that_defers_a_job(store: Store, queue: Queue) -> None:
    assert await queue.take(["drive"]) is None
    waiting = asyncio.create_task(queue.wait(3600))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await store.commit([Append("run:1", (Draft("a"),))], [Job("drive", "run:1")])
    await asyncio.wait_for(waiting, 5)


async def test_wait_ends_when_a_finished_job_frees_the_lock(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1"), Job("drive", "run:1")])
    first = await taken(queue)
    waiting = asyncio.create_task(queue.wait(3600))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await store.commit([], done=first.id)
    await asyncio.wait_for(waiting, 5)


async def test_wait_ends_when_a_job_falls_due(store: Store, queue: Queue, clock: FakeClock) -> None:
    await store.commit([], [Job("drive", "run:1", START + timedelta(seconds=60))])
    waiting = asyncio.create_task(queue.wait(3600))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    clock.advance(60)
    await asyncio.wait_for(waiting, 5)


async def test_wait_does_not_return_for_jobs_that_were_not_asked_for(store: Store, queue: Queue) -> None:
    await store.commit([], [Job("drive", "run:1"), Job("other", "run:2")])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(take_and_wait(queue, "run:9"), 0.4)


async def take_and_wait(queue: Queue, lock: str) -> None:
    assert await queue.take(["drive"], lock) is None
    await queue.wait(3600)


async def test_the_depth_counts_what_waits_what_is_taken_and_what_was_given_up(
    store: Store, queue: Queue, clock: FakeClock
) -> None:
    assert await queue.depth() == Depth()
    later = Job("drive", "run:9", START + timedelta(hours=1))
    await store.commit([], [Job("drive", "run:1"), Job("drive", "run:2"), Job("wake", "run:3"), later])
    first = await taken(queue)
    await queue.fail(await taken(queue), None)
    assert await queue.depth() == Depth(due=1, later=1, taken=1, dead=1)
    await queue.finish(first)
    clock.advance(3601)
    assert await queue.depth() == Depth(due=2, later=0, taken=0, dead=1)

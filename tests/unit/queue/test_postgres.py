"""What the queue on Postgres adds to the contract: hearts, answers that were lost, the library's tables."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import psycopg
import pytest

from hutch.ports import Job
from hutch.queue import schema
from hutch.queue.postgres import ProcrastinateQueue
from hutch.queue.queries import query
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.postgres.store import PostgresStore


class Pair:
    """A store, its queue, and the database as an administrator sees it."""

    def __init__(self, url: str, **times: float) -> None:
        self.url, self.queue = url, ProcrastinateQueue(SYSTEM_CLOCK, **times)
        self.store = PostgresStore(url, self.queue)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, options="-c search_path=hutch") as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    pair = Pair(database_url, stalled=0.6, beat=0.1, look=0)
    yield pair
    await pair.store.close()


async def test_a_job_that_nobody_renews_waits_again_though_its_worker_lives(pair: Pair) -> None:
    await pair.store.commit([], [Job("drive", "run:1"), Job("drive", "run:2")])
    lost, kept = await pair.queue.take(["drive"]), await pair.queue.take(["drive"])
    assert lost and kept
    for _ in range(7):
        await asyncio.sleep(0.1)
        assert await pair.queue.extend(kept)
    again = await pair.queue.take(["drive"])
    assert again is not None
    assert (again.job.lock, again.attempts) == ("run:1", 2)
    assert not await pair.queue.extend(lost)
    assert await pair.queue.extend(kept)
    assert await pair.queue.take(["drive"]) is None


async def test_one_who_was_forgotten_registers_anew(pair: Pair) -> None:
    assert await pair.queue.take(["drive"]) is None
    pair.ask("DELETE FROM procrastinate_workers")
    await pair.store.commit([], [Job("drive", "run:1")])
    taken = await pair.queue.take(["drive"])
    assert taken is not None
    assert await pair.queue.extend(taken)
    await pair.store.commit([], done=taken.id)


async def test_one_who_goes_gives_everything_back_at_once(pair: Pair, database_url: str) -> None:
    other = Pair(database_url)
    await pair.store.commit([], [Job("drive", "run:1")])
    assert await other.queue.take(["drive"])
    assert await pair.queue.take(["drive"]) is None
    await other.store.close()
    taken = await pair.queue.take(["drive"])
    assert taken is not None
    assert taken.attempts == 2


async def test_a_timer_waits_for_its_lock_when_it_falls_due(pair: Pair) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    await pair.store.commit([], [Job("drive", "run:1", due, {"n": "timer"}, "timer"), Job("drive", "run:1")])
    first = await pair.queue.take(["drive"])
    assert first is not None
    await asyncio.sleep(0.35)
    assert await pair.queue.take(["drive"]) is None
    assert pair.ask("SELECT lock, status::text FROM procrastinate_jobs ORDER BY id DESC") == [
        ("run:1", "todo"),
        ("run:1", "doing"),
    ]
    await pair.queue.finish(first)
    second = await pair.queue.take(["drive"])
    assert second is not None
    assert (second.job.data, second.attempts) == ({"n": "timer"}, 1)


async def test_two_who_take_at_once_never_share_a_lock(pair: Pair, database_url: str) -> None:
    """Through queues and through one lock, which go different ways to it."""
    others = [Pair(database_url) for _ in range(3)]
    jobs = [Job("drive", f"run:{n % 4}") for n in range(40)]
    await pair.store.commit([], jobs)
    held: set[str] = set()
    done = 0

    async def work(queue: ProcrastinateQueue, lock: str | None) -> None:
        nonlocal done
        while taken := await queue.take(["drive"], lock):
            assert taken.job.lock not in held
            held.add(taken.job.lock)
            await asyncio.sleep(0.001)
            held.discard(taken.job.lock)
            await queue.finish(taken)
            done += 1

    for _ in range(40):
        await asyncio.gather(
            *(work(other.queue, None) for other in others), *(work(pair.queue, f"run:{n}") for n in range(4))
        )
        if done == len(jobs):
            break
    assert done == len(jobs)
    for other in others:
        await other.store.close()


# ------------------------------------------------------------------ the library's tables


async def test_a_failed_job_is_kept_for_the_record_and_a_finished_one_goes(pair: Pair) -> None:
    await pair.store.commit([], [Job("drive", "run:1"), Job("drive", "run:2")])
    first, second = await pair.queue.take(["drive"]), await pair.queue.take(["drive"])
    assert first and second
    await pair.queue.fail(first, None)
    await pair.queue.finish(second)
    assert pair.ask("SELECT task_name, lock, status::text FROM procrastinate_jobs") == [
        ("hutch.drive", "run:1", "failed")
    ]


def test_missing_migrations_of_the_library_are_run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url, options="-c search_path=hutch") as connection:
        assert schema.current(connection)
        last = connection.execute("SELECT value FROM meta WHERE key = 'queue_schema'").fetchone()
        assert last == (schema.newest(),)
        extra: Callable[[], list[Any]] = schema._migrations
        path = extra()[0].parent
        monkeypatch.setattr(schema, "_migrations", lambda: [*extra(), _Migration("99.00.00_01_pre_more", path)])
        assert not schema.current(connection)
        schema.prepare(connection)
        assert schema.current(connection)
        assert connection.execute("SELECT to_regclass('hutch.more') IS NOT NULL").fetchone() == (True,)


class _Migration:
    """A migration that a newer library brings."""

    def __init__(self, stem: str, _folder: object) -> None:
        self.stem = stem

    def read_text(self, encoding: str) -> str:
        return "CREATE TABLE more (id int); CREATE INDEX ON more (id)"


async def test_timers_that_are_not_due_are_not_looked_at(pair: Pair) -> None:
    now = SYSTEM_CLOCK.now()
    later = [Job("clock", f"clock:{n}", now + timedelta(days=2), unique="timer") for n in range(5000)]
    await pair.store.commit([], later)
    await pair.store.commit([], [Job("clock", "clock:now", now + timedelta(seconds=0.2), unique="timer")])
    pair.ask("ANALYZE procrastinate_jobs")
    values = {"kinds": ["clock"], "worker": None, "lock": None, "stalled": 6.0, "most": 1, "within": 0.5}
    with psycopg.connect(pair.url, options="-c search_path=hutch") as connection:
        for name, kind in product(("take", "next_due"), ("clock", "drive")):
            asked = {**values, "kinds": [kind]}
            plan = connection.execute(b"EXPLAIN (ANALYZE) " + query(name).encode(), asked).fetchall()
            told = "\n".join(row[0] for row in plan)
            assert kind != "clock" or "hutch_jobs_later" in told, told
            assert not re.search(r"rows=\d{4,}(\.\d+)? loops|Removed by Filter: \d{3}", told), told
        connection.rollback()
    await asyncio.sleep(0.25)
    taken = await pair.queue.take(["clock"])
    assert taken is not None and taken.job.lock == "clock:now"
    assert await pair.queue.take(["clock"]) is None

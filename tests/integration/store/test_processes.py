"""Several real processes on one store, and what is left when one is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hutch.bootstrap.stores import is_database, open_database
from hutch.model.event import Draft, find_break
from hutch.ports import Append, Job, Queue, Store
from hutch.queue.local import LEASE_SECONDS, LocalQueue
from hutch.queue.postgres import STALLED_SECONDS
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.errors import StoreError
from hutch.store.postgres.verify import verify_database
from hutch.store.proof import Report
from hutch.store.sqlite import SqliteStore
from hutch.store.verify import verify_store
from stores import DURABLE

CHILD = Path(__file__).with_name("child.py")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=DURABLE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file that is not there yet, or a database."""
    return str(tmp_path / "hutch.db") if request.param == "sqlite" else request.getfixturevalue("database_url")


@pytest.fixture
async def pair(place: str) -> AsyncIterator[tuple[Store, Queue]]:
    store, queue = open_pair(place)
    yield store, queue
    await store.close()


def open_pair(place: str) -> tuple[Store, Queue]:
    if is_database(place):
        return open_database(place, SYSTEM_CLOCK)
    store = SqliteStore(Path(place))
    return store, LocalQueue(store)


def proved(place: str) -> Report:
    return verify_database(place) if is_database(place) else verify_store(Path(place))


@pytest.fixture
def start(place: str) -> Iterator[Start]:
    """Starts children and leaves none behind."""
    children: list[subprocess.Popen[str]] = []

    def start(verb: str, name: str = "a", number: int = 0) -> subprocess.Popen[str]:
        arguments = [sys.executable, str(CHILD), verb, place, name, str(number)]
        children.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.communicate()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


async def test_processes_that_append_together_lose_nothing(place: str, start: Start) -> None:
    """They also open a file that is not there yet, all at once."""
    children = [start("append", name, 30) for name in "abcd"]
    printed = [(await asyncio.to_thread(child.communicate))[0].split() for child in children]
    assert [sorted(map(int, lines)) for lines in printed] == [list(range(30))] * 4
    report = proved(place)
    assert (report.breaks, report.streams, report.events) == ([], 5, 2 * 4 * 30)
    store, _ = open_pair(place)
    shared = {(event.data["by"], event.data["n"]) for event in await store.read("run:shared")}
    await store.close()
    assert shared == {(name, n) for name in "abcd" for n in range(30)}


async def test_who_follows_the_log_misses_nothing_that_others_write(pair: tuple[Store, Queue], start: Start) -> None:
    """A position that was seen is never followed by one that appears below it."""
    store, _ = pair
    await store.commit([Append("run:first", (Draft("noted"),))])
    children = [start("append", name, 20) for name in "abc"]
    seen, position = [], 0
    while len(seen) < 1 + 2 * 3 * 20:
        before = len(seen)
        await asyncio.wait_for(store.wait(position, 60), 30)
        found = await store.tail(position)
        seen += [(event.stream, event.seq) for _, event in found]
        position = found[-1][0]
        assert len(seen) > before
    assert len(set(seen)) == len(seen)
    assert [(e.stream, e.seq) for _, e in await store.tail(limit=10_000)] == seen
    for child in children:
        await asyncio.to_thread(child.communicate)


@pytest.mark.parametrize("lines", [1, 40, 300])
async def test_a_killed_writer_leaves_every_acknowledged_commit_whole(place: str, start: Start, lines: int) -> None:
    child = start("flood", "a", 8)
    acknowledged = {int(await asyncio.to_thread(line, child)) for _ in range(lines)}
    child.kill()
    rest, _ = await asyncio.to_thread(child.communicate)
    acknowledged |= {int(text) for text in rest.split("\n")[:-1]}  # the last piece may be half a number
    store, queue = open_pair(place)
    await store.commit([])  # waits for what the killed one had under way on a server
    report = proved(place)
    assert report.breaks == []
    written = {event.data["n"] for _, event in await store.tail(limit=1_000_000)}
    assert acknowledged <= written
    assert [find_break(await store.read(name)) for name in await store.streams()] == [None] * report.streams
    assert await jobs_of(queue) == written
    await store.close()


async def jobs_of(queue: Queue) -> set[object]:
    """Takes every job: the numbers that they carry."""
    numbers = set()
    while taken := await queue.take(["drive"]):
        numbers.add(taken.job.data["n"])
        await queue.finish(taken)
    return numbers


async def test_a_dead_process_loses_its_job_soon(pair: tuple[Store, Queue], start: Start, place: str) -> None:
    """On one machine it is seen at once; a worker elsewhere is given up when its heart has stopped."""
    if sys.platform != "linux":
        pytest.skip("without /proc the lease has to run out")
    store, queue = pair
    await store.commit([], [Job("drive", "run:1")])
    holder = start("hold")
    assert await asyncio.to_thread(line, holder) == "1"
    assert await queue.take(["drive"]) is None
    began = time.monotonic()
    waiting = asyncio.create_task(queue.wait(60))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    holder.kill()
    await waiting
    taken = await queue.take(["drive"])
    assert taken is not None
    assert taken.attempts == 2
    assert time.monotonic() - began < (STALLED_SECONDS + 2 if is_database(place) else LEASE_SECONDS / 2)


async def test_a_job_of_another_process_ends_the_wait(pair: tuple[Store, Queue], start: Start) -> None:
    child, queue = start("defer", "run:7"), pair[1]
    assert await asyncio.to_thread(line, child) == "ready"
    assert await queue.take(["drive"]) is None
    waiting = asyncio.create_task(queue.wait(60))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    await asyncio.wait_for(waiting, 10)
    taken = await queue.take(["drive"])
    assert taken is not None
    assert taken.job.lock == "run:7"


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everywhere: inside, it is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_log_that_can_only_be_read_is_proved() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SqliteStore(folder / "hutch.db")
        await store.commit([Append("run:1", (Draft("a"), Draft("b")))])
        await store.close()
        (folder / "hutch.db").chmod(0o444)
        folder.chmod(0o555)
        try:
            with ordinary_user():
                report = verify_store(folder / "hutch.db")
        finally:
            folder.chmod(0o700)
        assert (report.breaks, report.events) == ([], 2)
        assert [file.name for file in folder.iterdir()] == ["hutch.db"]


async def test_a_folder_that_can_not_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        try:
            with ordinary_user(), pytest.raises(StoreError, match="a folder that this user may write") as refused:
                SqliteStore(folder / "hutch.db")
        finally:
            folder.chmod(0o700)
        assert str(folder) in str(refused.value)

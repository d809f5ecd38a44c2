"""What every store owes its callers: the same tests over memory, SQLite and Postgres."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutch.model.event import ARCHIVED, GENESIS, Draft, find_break
from hutch.ports import Append, Conflict, Job, Queue, Store
from hutch.testing import START, FakeClock
from stores import Databases, Opened, opened


@pytest.fixture
def store(any_store: Opened) -> Store:
    return any_store.store


@pytest.fixture
def pair(any_store: Opened) -> tuple[Store, Queue]:
    return any_store.store, any_store.queue


@pytest.fixture
def clock(any_store: Opened) -> FakeClock:
    return any_store.clock


def drafts(*kinds: str) -> tuple[Draft, ...]:
    return tuple(Draft(kind, {"about": kind}, "ann") for kind in kinds)


async def test_a_commit_returns_what_a_read_gives(store: Store) -> None:
    written = await store.commit([Append("run:1", drafts("started", "ended"))])
    assert written == await store.read("run:1")
    assert [(e.stream, e.seq, e.kind, e.actor, e.at) for e in written] == [
        ("run:1", 1, "started", "ann", START),
        ("run:1", 2, "ended", "ann", START),
    ]
    assert written[0].prev_hash == GENESIS
    assert len(bytes.fromhex(written[0].salt)) == 16
    assert written[0].salt != written[1].salt


async def test_many_streams_are_read_in_one_turn_each_as_by_itself(store: Store) -> None:
    names = [f"alert:{number}" for number in range(600)]
    await store.commit([Append(name, drafts("began", "ended")) for name in names[::3]])
    asked = [*reversed(names), "alert:none", names[0]]
    assert await store.read_all(asked) == [await store.read(name) for name in asked]
    assert await store.read_all([]) == []


async def test_data_comes_back_as_json_and_the_chain_still_holds(store: Store) -> None:
    data = {"pids": (1, 2), "by": {10: "ten", 9: "nine"}, "text": "•\x00\n'", "big": 2**70, "none": None}
    written = await store.commit([Append("run:1", (Draft("seen", data),))])
    assert written[0].data == {**data, "pids": [1, 2], "by": {"10": "ten", "9": "nine"}}
    assert written == await store.read("run:1")
    assert find_break(await store.read("run:1")) is None


async def test_data_that_is_no_json_is_refused_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(TypeError):
        await store.commit([Append("run:1", drafts("ok")), Append("run:1", (Draft("bad", {"x": object()}),))])
    assert await store.streams() == []


async def test_read_after(store: Store) -> None:
    await store.commit([Append("run:1", drafts("a", "b", "c"))])
    assert [event.kind for event in await store.read("run:1", after=1)] == ["b", "c"]
    assert await store.read("run:1", after=3) == []
    assert await store.read("run:unknown") == []


async def test_streams_by_prefix_in_order_of_their_first_event(store: Store) -> None:
    for name in ("run:b", "incident:x", "run:a", "runs", "run:b"):
        await store.commit([Append(name, drafts("a"))])
    assert await store.streams() == ["run:b", "incident:x", "run:a", "runs"]
    assert await store.streams("run:") == ["run:b", "run:a"]
    assert await store.streams("%") == []


async def test_since_takes_one_kind_from_a_time_on(store: Store, clock: FakeClock) -> None:
    await store.commit([Append("run:1", drafts("applied"))])
    clock.advance(60)
    await store.commit([Append("run:2", drafts("applied", "ended"))])
    clock.advance(60)
    await store.commit([Append("run:1", drafts("applied"))])
    streams = [event.stream for event in await store.since("applied", START + timedelta(seconds=60))]
    assert streams == ["run:2", "run:1"]
    assert await store.since("applied", START + timedelta(seconds=121)) == []


async def test_tail_goes_through_all_streams_in_writing_order(store: Store) -> None:
    await store.commit([Append("run:2", drafts("a")), Append("run:1", drafts("b", "c"))])
    await store.commit([Append("run:2", drafts("d"))])
    everything = await store.tail()
    assert [event.kind for _, event in everything] == ["a", "b", "c", "d"]
    positions = [position for position, _ in everything]
    assert positions == sorted(set(positions))
    assert await store.tail(positions[0], limit=2) == everything[1:3]
    assert await store.tail(positions[-1]) == []


async def test_expect_holds_or_nothing_is_written(pair: tuple[Store, Queue]) -> None:
    store, queue = pair
    await store.commit([Append("run:1", drafts("a"), expect=0)])
    with pytest.raises(Conflict, match="run:1 ends at event 1, not at 0"):
        await store.commit(
            [Append("run:2", drafts("x")), Append("run:1", drafts("b"), expect=0)], [Job("drive", "run:2")]
        )
    assert await store.streams() == ["run:1"]
    assert await queue.take(["drive"]) is None
    await store.commit([Append("run:1", drafts("b"), expect=1)])


async def test_expect_counts_what_the_same_commit_appended(store: Store) -> None:
    await store.commit([Append("run:1", drafts("a", "b"), expect=0), Append("run:1", drafts("c"), expect=2)])
    assert [event.seq for event in await store.read("run:1")] == [1, 2, 3]


async def test_expect_without_drafts_only_looks(store: Store) -> None:
    assert await store.commit([Append("run:1", (), expect=0)]) == []
    with pytest.raises(Conflict):
        await store.commit([Append("run:1", (), expect=1)])


async def test_of_many_that_expect_the_same_exactly_one_wins(store: Store) -> None:
    tries = [store.commit([Append("run:1", drafts(f"k{n}"), expect=0)]) for n in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, list) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19
    assert len(await store.read("run:1")) == 1


async def test_a_conflict_does_not_hurt_its_neighbours(store: Store) -> None:
    good = [store.commit([Append(f"run:{n}", drafts("a"), expect=0)]) for n in range(10)]
    bad = [store.commit([Append(f"run:{n}", drafts("b"), expect=7)]) for n in range(10)]
    mixed = [commit for both in zip(good, bad, strict=True) for commit in both]
    results = await asyncio.gather(*mixed, return_exceptions=True)
    assert [isinstance(result, Conflict) for result in results] == [False, True] * 10
    assert len(await store.tail()) == 10


async def test_done_of_a_job_that_is_not_taken_conflicts(pair: tuple[Store, Queue]) -> None:
    store, queue = pair
    await store.commit([], [Job("drive", "run:1")])
    with pytest.raises(Conflict):
        await store.commit([Append("run:1", drafts("a"))], done=1)
    taken = await queue.take(["drive"])
    assert taken is not None
    await store.commit([Append("run:1", drafts("a"))], done=taken.id)
    with pytest.raises(Conflict):
        await store.commit([Append("run:1", drafts("b"))], done=taken.id)
    assert [event.kind for event in await store.read("run:1")] == ["a"]


async def test_a_commit_finishes_its_job_and_defers_the_next_under_the_same_lock(pair: tuple[Store, Queue]) -> None:
    store, queue = pair
    await store.commit([], [Job("drive", "run:1", data={"n": 1})])
    first = await queue.take(["drive"])
    assert first is not None
    await store.commit([Append("run:1", drafts("a"))], [Job("drive", "run:1", data={"n": 2})], done=first.id)
    second = await queue.take(["drive"])
    assert second is not None
    assert second.job.data == {"n": 2}


Step = tuple[int, int, str | None]
step = st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([None, "head", "stale"]))


async def interleave(store: Store, tasks: Sequence[Sequence[Step]]) -> int:
    """Each task appends to shared streams, some on a head that may be old; the number of events acknowledged."""

    async def work(steps: Sequence[Step]) -> int:
        acknowledged = 0
        for stream, count, expect in steps:
            name = f"run:{stream}"
            head = len(await store.read(name)) if expect == "head" else -1 if expect == "stale" else None
            try:
                acknowledged += len(await store.commit([Append(name, drafts(*"k" * count), expect=head)]))
            except Conflict:
                assert expect is not None
        return acknowledged

    return sum(await asyncio.gather(*map(work, tasks)))


def interleaved(kind: str, databases: Callable[[], Databases], tasks: Sequence[Sequence[Step]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(kind, Path(folder), databases) as found:
                acknowledged = await interleave(found.store, tasks)
                chains = [await found.store.read(name) for name in await found.store.streams()]
                everything = await found.store.tail(limit=10_000)
        assert [find_break(chain) for chain in chains] == [None] * len(chains)
        assert sum(map(len, chains)) == len(everything) == acknowledged

    asyncio.run(run())


anything = given(tasks=st.lists(st.lists(step, max_size=6), max_size=6))
few, more = (
    settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    for number in (8, 25)
)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@more
@anything
def test_interleaved_commits_keep_every_chain_whole(
    kind: str, tasks: list[list[Step]], postgres_databases: Callable[[], Databases]
) -> None:
    interleaved(kind, postgres_databases, tasks)


@few
@anything
def test_interleaved_commits_keep_every_chain_whole_on_postgres(
    tasks: list[list[Step]], postgres_databases: Callable[[], Databases]
) -> None:
    """Each time on a database of its own, which takes longer."""
    interleaved("postgres", postgres_databases, tasks)


async def test_what_lies_in_an_archive_is_taken_out_behind_a_mark_and_put_back_where_it_stood(store: Store) -> None:
    for stream in ("run:a", "run:b"):
        await store.commit([Append(stream, drafts("one", "two"))])
    assert await store.cut("run:a", 2) == 0, "no mark says that it may go"
    before = await store.tail()
    mark = {"events": 2, "last": (await store.read("run:a"))[-1].hash}
    await store.commit([Append("run:a", (Draft(ARCHIVED, mark),))])
    assert await store.positions("run:a") == [1, 2, 5]
    assert (await store.cut("run:a", 2), await store.cut("run:a", 2)) == (2, 0)
    left = await store.read("run:a")
    assert find_break(left) is not None and find_break(left, archived=True) is None
    assert [at for at, _ in await store.tail()] == [3, 4, 5]
    assert sorted(await store.streams("run:")) == ["run:a", "run:b"]
    rows = [row for row in before if row[1].stream == "run:a"]
    assert (await store.put_back(rows), await store.put_back(rows)) == (2, 0)
    assert (await store.tail())[:4] == before
    assert await store.streams("run:") == ["run:a", "run:b"]
    assert [e.seq for e in await store.commit([Append("run:a", drafts("on"))])] == [4]

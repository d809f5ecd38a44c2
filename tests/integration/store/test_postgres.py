"""What the store on Postgres adds to the contract: a guarded log, and connections that break at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from hutch.bootstrap.stores import open_database
from hutch.model.event import ERASED, Draft
from hutch.ports import Append, Job, Queue, Store, StoreAway, StoreFull
from hutch.queue import schema as queue_schema
from hutch.store import clock as store_clock
from hutch.store.aside import in_database
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.duties import TableDuties
from hutch.store.errors import StoreError
from hutch.store.postgres import server as server_module
from hutch.store.postgres.look import look
from hutch.store.postgres.store import PostgresStore
from hutch.store.postgres.verify import verify_database
from hutch.store.watches import WatchTable
from rolerabbit.embedded import Postgres


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Store, Queue]]:
    store, queue = open_database(url, SYSTEM_CLOCK)
    try:
        yield store, queue
    finally:
        await store.close()


def ask(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c search_path=hutch") as connection:
        for statement in statements:
            connection.execute(statement)


def noted(n: int) -> Draft:
    return Draft("noted", {"n": n})


# ------------------------------------------------------------------ the log stays as it was written


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}'",
        "UPDATE events SET data = '{\"erased\":true}', salt = '', actor = 'nobody'",
        "UPDATE events SET position = position + 10",
        "DELETE FROM events",
        "TRUNCATE events",
        "SET session_replication_role = replica; DELETE FROM events",
    ],
)
async def test_not_even_its_owner_alters_an_event(database_url: str, statement: str) -> None:
    async with opened(database_url) as (store, _):
        await store.commit([Append("run:1", (noted(1), noted(2)))])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="events are append-only"):
            ask(database_url, statement)
        assert verify_database(database_url).intact
        assert len(await store.read("run:1")) == 2


async def test_what_must_be_erased_goes_and_the_chain_holds(database_url: str) -> None:
    async with opened(database_url) as (store, _):
        assert isinstance(store, PostgresStore)
        await store.commit([Append("run:1", (noted(1), noted(2)))])
        assert await store.erase("run:1", 1)
        assert not await store.erase("run:1", 9)
        assert [event.data for event in await store.read("run:1")] == [ERASED, {"n": 2}]
    report = verify_database(database_url)
    assert (report.breaks, report.events, report.erased) == ([], 2, 1)


GUARD_OFF, GUARD_ON = "ALTER TABLE events DISABLE TRIGGER USER", "ALTER TABLE events ENABLE ALWAYS TRIGGER ALL"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE events SET data = '{\"n\":7}' WHERE stream = 'run:1' AND seq = 2", "its data was altered"),
        ("UPDATE events SET at = '2020' || substr(at, 5) WHERE seq = 1", "its place, time, actor or kind was altered"),
        ("UPDATE events SET data = '[]' WHERE seq = 2", "data is not an object"),
        ("DELETE FROM events WHERE seq = 2", "an event is missing"),
        ("DELETE FROM events WHERE seq = 3", "3 events were written and 2 are there: 1 are missing"),
    ],
)
async def test_whoever_takes_the_guard_away_is_found_out(database_url: str, harm: str, said: str) -> None:
    async with opened(database_url) as (store, _):
        await store.commit([Append("run:1", (noted(1), noted(2), noted(3)))])
    assert verify_database(database_url).intact
    ask(database_url, GUARD_OFF, harm)
    assert any(said in found.reason for found in verify_database(database_url).breaks)


GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "postgres.md"


async def test_the_everyday_login_of_the_guide_can_do_its_work_and_alter_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = GUIDE.read_text("utf-8").partition("<!-- tested: grants -->\n```sql\n")[2].partition("```")[0]
    assert grants
    ask(database_url, "DROP ROLE IF EXISTS hutch", "CREATE ROLE hutch LOGIN PASSWORD 'everyday'", grants)
    parts = urlsplit(database_url)
    url = f"postgresql://hutch:everyday@{parts.hostname}:{parts.port}{parts.path}"
    try:
        async with opened(url) as (store, queue):
            await store.commit([Append("run:1", (noted(1),))], [Job("drive", "run:1", unique="x")])
            await store.commit([], [Job("drive", "run:1", unique="x")])
            taken = await queue.take(["drive"])
            assert taken is not None
            assert await queue.extend(taken)
            await queue.fail(taken, None)
            await store.wait(0, 5)
            duties, watches = TableDuties(in_database(url)), WatchTable(in_database(url))
            assert await duties.beat(["reviews"], 0.0, 5) and await duties.take({"reviews": ""}) == {"reviews"}
            await watches.keep("shop", store_clock.SYSTEM_CLOCK.now(), {"service": "shop"})
            assert await watches.latest() == [{"service": "shop"}]
            await duties.close()
            await watches.close()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(url, "ALTER TABLE hutch.events DISABLE TRIGGER ALL")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(url, "DELETE FROM events")
        seen = look(url, queue_schema.current)
        assert (seen.login, seen.owns, seen.appends, seen.guarded) == ("hutch", False, True, True)
        assert (seen.current, seen.queue_current) == (True, True)
        assert verify_database(url).intact
        ask(database_url, "ALTER TABLE events DISABLE TRIGGER events_rows_stay")
        assert not look(url, queue_schema.current).guarded
        assert look(database_url, queue_schema.current).owns
    finally:
        ask(database_url, "DROP OWNED BY hutch", "DROP ROLE hutch")


# ------------------------------------------------------------------ what it says


async def test_text_that_postgres_cannot_hold_is_refused_and_hurts_nobody_else(database_url: str) -> None:
    async with opened(database_url) as (store, queue):
        good = [store.commit([Append(f"run:{n}", (noted(n),))]) for n in range(5)]
        bad = [
            store.commit([Append("run:\x00", (noted(1),))]),
            store.commit([Append("run:x", (Draft("noted", {"half": "\ud800"}),))]),
            store.commit([], [Job("k" * 200, "x")]),
        ]
        results = await asyncio.gather(*good, *bad, return_exceptions=True)
        assert [len(r) for r in results[:5] if isinstance(r, list)] == [1] * 5
        assert [type(r) for r in results[5:]] == [ValueError, UnicodeEncodeError, StoreError]
        assert await queue.take(["k" * 200]) is None
        await store.commit([], [Job("drive", "run:1", data={"nul": "\x00", "big": 2**70, "text": "•"})])
        taken = await queue.take(["drive"])
        assert taken is not None
        assert taken.job.data == {"nul": "\x00", "big": 2**70, "text": "•"}


async def test_a_full_disk_is_said_so(database_url: str) -> None:
    async with opened(database_url) as (store, _):
        await store.commit([Append("run:1", (noted(1),))])
        ask(
            database_url,
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''no space left on device'' USING ERRCODE = ''disk_full''; END'",
            "CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()",
        )
        with pytest.raises(StoreFull, match="disk is full, nothing was written"):
            await store.commit([Append("run:1", (noted(2),))], [Job("drive", "run:1")])
        ask(database_url, "DROP TRIGGER full_disk ON events")
        await store.commit([Append("run:1", (noted(3),))])
        assert [event.data["n"] for event in await store.read("run:1")] == [1, 3]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:secret-word@127.0.0.1:1/shop", r"127.0.0.1:1/shop can't be reached: .*refused"),
        ("{server}:secret-word@{place}/postgres", "password authentication failed"),
        ("{good}/nowhere", 'database "nowhere" does not exist'),
    ],
)
async def test_a_server_that_cannot_be_reached_is_named_at_once(
    postgres_databases: Callable[..., object], url: str, said: str
) -> None:
    base: Postgres = postgres_databases().server  # type: ignore[attr-defined]
    place = f"127.0.0.1:{base.port}"
    full = url.format(server="postgresql://postgres", place=place, good=base.url.rpartition("/")[0])
    began = time.monotonic()
    async with opened(full) as (store, _):
        with pytest.raises(StoreAway, match=said) as refused:
            await store.streams()
    assert time.monotonic() - began < 5
    assert "secret-word" not in str(refused.value)


async def test_a_database_of_another_program_or_a_newer_hutch_is_left_alone(
    postgres_databases: Callable[..., object], database_url: str
) -> None:
    ask(database_url, "UPDATE alembic_version SET version_num = '9999'", "UPDATE meta SET value = '7.0'")
    async with opened(database_url) as (store, _):
        with pytest.raises(StoreError, match=r"made by a newer version \(Hutch 7.0, schema 9999\)"):
            await store.streams()
    with postgres_databases().fresh("template0") as other:  # type: ignore[attr-defined]
        ask(other, "CREATE SCHEMA hutch", "CREATE TABLE hutch.events (id int)")
        async with opened(other) as (store, _):
            with pytest.raises(StoreError, match="holds tables of some other program"):
                await store.streams()


async def test_many_processes_that_open_a_new_database_at_once_make_it_once(
    postgres_databases: Callable[..., object],
) -> None:
    with postgres_databases().fresh("template0") as url:  # type: ignore[attr-defined]

        async def one(n: int) -> None:
            async with opened(url) as (store, _):
                await store.commit([Append(f"run:{n}", (noted(n),))], [Job("drive", f"run:{n}")])

        await asyncio.gather(*(one(n) for n in range(6)))
        report = verify_database(url)
        assert (report.breaks, report.events) == ([], 6)


# ------------------------------------------------------------------ who waits is woken


async def test_what_another_process_writes_is_heard_of_at_once(database_url: str) -> None:
    async with opened(database_url) as (store, _), opened(database_url) as (other, _):
        await other.commit([Append("run:1", (noted(1),))])
        await store.wait(0, 5)
        end = (await store.tail())[-1][0]
        waiting = asyncio.create_task(store.wait(end, 30))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        began = time.monotonic()
        await other.commit([Append("run:1", (noted(2),))])
        await waiting
        assert time.monotonic() - began < 0.5
        began = time.monotonic()
        await store.wait(end + 1, 0.2)
        assert 0.2 <= time.monotonic() - began < 2


# ------------------------------------------------------------------ connections break


class Cutter:
    """A proxy that cuts a connection that commits: before the server hears of it, or before we hear back."""

    def __init__(self, port: int, when: str) -> None:
        self.port, self.when, self.left, self.at = port, when, 0, b"COMMIT"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        cut = asyncio.Event()
        answers = asyncio.create_task(self.answers(there, writer, cut))
        try:
            while part := await reader.read(65536):
                doomed = self.left > 0 and self.at in part
                if doomed:
                    self.left -= 1
                    cut.set()
                if not doomed or self.when == "after":
                    back.write(part)
                    await back.drain()
                if doomed:
                    await asyncio.sleep(0.1)  # the server does what it was told
                    break
        finally:
            answers.cancel()
            for side in (back, writer):
                side.transport.abort()

    async def answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while (part := await there.read(65536)) and not cut.is_set():
            writer.write(part)
            await writer.drain()


@contextlib.asynccontextmanager
async def cutting(url: str, when: str) -> AsyncIterator[tuple[Cutter, str]]:
    cutter = Cutter(urlsplit(url).port or 0, when)
    server = await asyncio.start_server(cutter.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield cutter, url.replace(f":{cutter.port}/", f":{port}/")
    finally:
        server.close()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_that_is_cut_off_is_written_exactly_once(database_url: str, when: str) -> None:
    async with cutting(database_url, when) as (cutter, url), opened(url) as (store, queue):
        await store.commit([Append("run:0", (noted(0),))])
        cutter.left = 3
        for n in range(1, 4):
            written = await store.commit([Append("run:1", (noted(n),), expect=n - 1)], [Job("drive", f"job:{n}")])
            assert [event.seq for event in written] == [n]
        cutter.left = 2
        await store.commit([], [Job("drive", "job:4")])  # no event to know it by
        await store.commit([], [Job("drive", "job:5")])
        assert cutter.left == 0
        assert [event.data["n"] for event in await store.read("run:1")] == [1, 2, 3]
        locks = []
        while taken := await queue.take(["drive"]):
            locks.append(taken.job.lock)
            cutter.left = 1
            await store.commit([Append("run:2", (noted(len(locks)),))], done=taken.id)
        assert locks == [f"job:{n}" for n in range(1, 6)]
        assert len(await store.read("run:2")) == 5
    assert verify_database(database_url).intact


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_job_whose_taking_was_not_answered_is_taken_all_the_same(database_url: str, when: str) -> None:
    async with cutting(database_url, when) as (cutter, url), opened(url) as (store, queue):
        await store.commit([], [Job("drive", "run:1"), Job("drive", "run:2")])
        cutter.at, cutter.left = b"procrastinate_fetch_job", 1
        taken = [await queue.take(["drive"]), await queue.take(["drive"])]
        assert cutter.left == 0
        assert {job.job.lock: job.attempts for job in taken if job} == {
            "run:1": 2 if when == "after" else 1,
            "run:2": 1,
        }
        assert await queue.take(["drive"]) is None


async def test_sessions_that_are_ended_all_the_time_lose_and_double_nothing(database_url: str) -> None:
    name = urlsplit(database_url).path.strip("/")
    async with opened(database_url) as (store, queue):
        await store.commit([])
        ended = 0
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as killer:

            async def kill() -> None:
                nonlocal ended
                while True:
                    await asyncio.sleep(0.05)
                    found = await killer.execute(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE datname = %s AND pid <> pg_backend_pid() AND application_name LIKE 'hutch schema %%'",
                        [name],
                    )
                    ended += (await found.fetchone() or (0,))[0]

            async def write(lane: int) -> int:
                for n in range(1000):
                    if n >= 10 and ended >= 6:
                        return n
                    await store.commit([Append(f"run:{lane}", (noted(n),), expect=n)], [Job("drive", f"{lane}:{n}")])
                raise AssertionError("hardly a session was ended")

            killing = asyncio.create_task(kill())
            counts = await asyncio.gather(*(write(lane) for lane in range(4)))
            killing.cancel()
            await asyncio.wait([killing])
        for lane, count in enumerate(counts):
            assert [event.data["n"] for event in await store.read(f"run:{lane}")] == list(range(count))
        locks = set()
        while taken := await queue.take(["drive"]):
            assert taken.job.lock not in locks
            locks.add(taken.job.lock)
            await queue.finish(taken)
        assert len(locks) == sum(counts)
    assert verify_database(database_url).intact


async def test_one_that_hangs_with_the_end_of_the_log_in_its_hands_does_not_stop_the_others(database_url: str) -> None:
    url = f"{database_url}?options=-c%20idle_in_transaction_session_timeout%3D400ms"
    async with opened(url) as (store, _):
        await store.commit([Append("run:1", (noted(1),))])
        hung = await psycopg.AsyncConnection.connect(
            url + "%20-c%20search_path%3Dhutch"
        )  # as a process that was stopped in mid-commit
        await hung.execute("SELECT position FROM log_end FOR UPDATE")
        await asyncio.wait_for(store.commit([Append("run:1", (noted(2),))]), 5)
        await hung.close()


@pytest.mark.timeout(60)
async def test_what_was_acknowledged_survives_a_crash_of_the_server() -> None:
    """The commit itself does not wait for the disk: what waits for it must."""
    with Postgres.temporary(durable=True, wal_writer_delay="10s") as server:
        async with opened(server.createdb("hutch")) as (store, queue):
            for n in range(2):
                await store.commit([Append("run:1", (noted(n),), expect=n)], [Job("drive", f"{n}")])
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                assert [event.data["n"] for event in await store.read("run:1")] == list(range(n + 1))
            taken = [await queue.take(["drive"]) for _ in range(2)]
            assert {job.job.lock for job in taken if job} == {"0", "1"}
        assert verify_database(server.url_for("hutch")).intact


@pytest.mark.timeout(60)
async def test_a_restart_of_the_server_is_ridden_out_and_a_long_absence_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Postgres.temporary() as server:
        async with opened(server.createdb("hutch")) as (store, queue):
            await store.commit([Append("run:1", (noted(1),))], [Job("drive", "run:1")])
            taken = await queue.take(["drive"])
            assert taken is not None
            server.stop("fast")
            writing = asyncio.create_task(store.commit([Append("run:1", (noted(2),))], done=taken.id))
            reading = asyncio.create_task(store.read("run:1"))
            await asyncio.sleep(0.7)
            assert not writing.done() and not reading.done()
            await asyncio.to_thread(server.start)
            assert len(await writing) == 1
            assert len(await reading) >= 1
            server.stop("fast")
            for module in (server_module, __import__("hutch.store.postgres.writer", fromlist=["writer"])):
                monkeypatch.setattr(module, "AWAY_SECONDS", 0.5)
            with pytest.raises(StoreAway, match="check the server and HUTCH_DATABASE_URL"):
                await store.commit([Append("run:1", (noted(3),))])
            await asyncio.to_thread(server.start)
            await store.commit([Append("run:1", (noted(4),))])
            assert [event.data["n"] for event in await store.read("run:1")] == [1, 2, 4]

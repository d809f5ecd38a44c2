"""A store moves to Postgres and back: everything, proved at both ends, or nothing."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from hutch.bootstrap.moving import move_store, source_of, target_of
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import Place, open_database, open_store
from hutch.commands.context import CommandError
from hutch.model.event import Draft, Event
from hutch.ports import Append, Job, TakenJob
from hutch.store import moving
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.errors import StoreError
from hutch.store.owner import this_process
from hutch.store.postgres.verify import verify_database
from hutch.store.sqlite import SqliteStore
from hutch.store.verify import verify_store

LATER = datetime(2031, 1, 1, tzinfo=UTC)
ODD = {"nul": "\x00", "text": "•\n'\\", "big": 2**70, "float": 1e-9, "none": None, "list": [1, [True]]}


def quiet(_done: int, _total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def file(tmp_path: Path) -> Place:
    return Place(tmp_path / "old")


async def filled(file: Place) -> None:
    """A store with everything that there is: odd data, an erased event, jobs of every state."""
    store, queue = open_store(file, SYSTEM_CLOCK, EnvironmentSecrets(file.home))
    assert isinstance(store, SqliteStore)
    for n in range(30):
        drafts = (Draft("noted", {"n": n, **ODD}, "änn"), Draft("said"))
        await store.commit([Append(f"run:{n % 7}", drafts), Append("incident:ü•", (Draft("x"),))])
    assert await store.erase("run:3", 1)
    early = datetime.now(UTC) - timedelta(hours=1)
    await store.commit([], [Job("dead", "run:1", early, {"n": 1}, "timer"), Job("held", "run:2", early, ODD)])
    dead, held = await queue.take(["dead"]), await queue.take(["held"])
    assert dead and held
    await queue.fail(dead, None)
    await queue.fail(held, early)
    await store.commit([], [Job("dead", "run:1", LATER, {"n": 2}, "timer"), Job("free", "", early)])
    await store.close()


async def content(place: Place) -> tuple[list[tuple[int, Event]], list[TakenJob], TakenJob | None]:
    """The whole log, and the jobs that can be had."""
    if place.url:
        store, queue = open_database(place.url, SYSTEM_CLOCK)
    else:
        store, queue = open_store(place, SYSTEM_CLOCK, EnvironmentSecrets(place.home))
    log = await store.tail(limit=10_000)
    taken = [job for kind in ("held", "free") if (job := await queue.take([kind]))]
    later = await queue.take(["dead"])
    for job in taken:
        await queue.fail(job, datetime.now(UTC) - timedelta(hours=1))
    await store.close()
    return log, taken, later


async def test_to_postgres_and_back_everything_stays_the_same(
    file: Place, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 7)
    await filled(file)
    before = verify_store(file.file)
    server, back = target_of(database_url, file), target_of(str(tmp_path / "back"), file)
    said: list[tuple[int, int]] = []
    moved = await asyncio.to_thread(move_store, file, server, lambda done, total: said.append((done, total)))
    assert (moved.streams, moved.events, moved.erased, moved.jobs) == (before.streams, 90, 1, 4)
    assert (said[0], said[-1]) == ((7, 90), (90, 90))
    again = await asyncio.to_thread(move_store, server, back, quiet)
    assert again == moved
    file.moved.unlink()
    old, new, third = [await content(place) for place in (file, server, back)]
    assert old[0] == new[0] == third[0]
    assert [(job.job, job.attempts) for job in old[1]] == [(job.job, job.attempts) for job in new[1]]
    assert [(job.job, job.attempts) for job in old[1]] == [(job.job, job.attempts) for job in third[1]]
    assert [job.attempts for job in old[1]] == [2, 1]
    assert old[2] is new[2] is third[2] is None
    for report in (verify_store(file.file), verify_database(database_url), verify_store(back.file)):
        assert (report.breaks, report.events) == ([], 90)


async def test_the_moved_store_goes_on_where_the_old_one_ended(file: Place, database_url: str) -> None:
    await filled(file)
    await asyncio.to_thread(move_store, file, Place(file.home, database_url), quiet)
    store, queue = open_database(database_url, SYSTEM_CLOCK)
    head = len(await store.read("run:0"))
    end = (await store.tail(limit=10_000))[-1][0]
    await store.commit(
        [Append("run:0", (Draft("more"),), expect=head)], [Job("dead", "run:1", None, {"n": 3}, "timer")]
    )
    assert [position for position, _ in await store.tail(end)] == [end + 1]
    taken = await queue.take(["dead"])
    assert taken is not None
    assert taken.job.data == {"n": 3}  # in place of the timer that moved along
    await queue.finish(taken)
    assert await queue.take(["dead"]) is None
    await store.close()
    assert verify_database(database_url).intact


async def test_the_file_that_was_left_says_where_its_store_went(file: Place, database_url: str) -> None:
    await filled(file)
    await asyncio.to_thread(move_store, file, Place(file.home, database_url), quiet)
    with pytest.raises(CommandError, match=r"was moved to Postgres at 127.0.0.1:\d+/hutch_\d+: set HUTCH_DATABASE_URL"):
        open_store(file, SYSTEM_CLOCK, EnvironmentSecrets(file.home))


# ------------------------------------------------------------------ nothing is moved


async def refused(source: Place, target: Place, said: str, error: type[Exception] = StoreError) -> None:
    with pytest.raises(error, match=said) as found:
        await asyncio.to_thread(move_store, source, target, quiet)
    assert "@" not in str(found.value)
    if target.url:
        assert counts(target.url) == (0, 0, 0)
    assert not source.moved.exists()


def counts(url: str) -> tuple[int, ...]:
    with psycopg.connect(url, options="-c search_path=hutch") as connection:
        query = "SELECT (SELECT count(*) FROM events), (SELECT position FROM log_end), count(*) FROM procrastinate_jobs"
        return connection.execute(query).fetchone() or ()


async def test_while_a_server_or_worker_uses_it(file: Place, database_url: str) -> None:
    await filled(file)
    target = Place(file.home, database_url)
    marker = file.home / "serving"
    marker.write_text(this_process())
    await refused(file, target, "the store is in use .*serving.*: stop every", CommandError)
    marker.rename(file.home / "worker-12")
    await refused(file, target, "worker-12", CommandError)
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    host, _, started = this_process().rsplit(":", 2)
    (file.home / "worker-12").write_text(f"{host}:{ended.pid}:{started}")
    store, queue = open_store(file, SYSTEM_CLOCK, EnvironmentSecrets(file.home))
    assert await queue.take(["held"])
    await refused(file, target, f"the process {os.getpid()} does a job of it; stop every")
    await store.close()


async def test_while_a_worker_of_the_database_lives(file: Place, tmp_path: Path, database_url: str) -> None:
    store, queue = open_database(database_url, SYSTEM_CLOCK)
    await store.commit([Append("run:1", (Draft("a"),))])
    assert await queue.take(["drive"]) is None
    source, target = Place(file.home, database_url), Place(tmp_path / "new")
    with pytest.raises(StoreError, match="1 worker of it did something in the last seconds"):
        await asyncio.to_thread(move_store, source, target, quiet)
    await store.close()
    assert (await asyncio.to_thread(move_store, source, target, quiet)).events == 1


async def test_into_a_place_that_holds_something(file: Place, tmp_path: Path, database_url: str) -> None:
    await filled(file)
    store, _ = open_database(database_url, SYSTEM_CLOCK)
    await store.commit([Append("run:1", (Draft("a"),))], [Job("drive", "x")])
    await store.close()
    with pytest.raises(StoreError, match="is not empty: it holds 1 events and 1 jobs; name a new database"):
        await asyncio.to_thread(move_store, file, Place(file.home, database_url), quiet)
    with pytest.raises(StoreError, match="is not empty: it holds events and jobs; name a new place"):
        await asyncio.to_thread(move_store, Place(file.home, database_url), file, quiet)
    assert verify_store(file.file).events == 90


async def test_a_broken_chain(file: Place, database_url: str) -> None:
    await filled(file)
    with sqlite3.connect(file.file) as forger:
        forger.execute("UPDATE events SET actor = 'mallory' WHERE stream = 'run:2' AND seq = 2")
    forger.close()
    await refused(file, Place(file.home, database_url), "run:2#2: its place, time, actor or kind was altered")


@pytest.mark.parametrize("harm", ["BEGIN NEW.actor = 'mallory'; RETURN NEW; END", "BEGIN RETURN NULL; END"])
async def test_a_target_that_does_not_keep_what_it_is_given(file: Place, database_url: str, harm: str) -> None:
    await filled(file)
    with psycopg.connect(database_url, autocommit=True, options="-c search_path=hutch") as connection:
        connection.execute(f"CREATE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS $${harm}$$")
        connection.execute(
            "CREATE TRIGGER harm BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.position = 80) EXECUTE FUNCTION harm()"
        )
    await refused(file, Place(file.home, database_url), "altered|missing")


async def test_a_move_that_is_killed_leaves_an_empty_target_and_can_be_done_again(
    file: Place, database_url: str
) -> None:
    await filled(file)
    code = (
        "import os, signal, sys; from pathlib import Path; from hutch.store import moving;"
        "from hutch.bootstrap.moving import move_store; from hutch.bootstrap.stores import Place;"
        "moving.BATCH = 10;"
        "die = lambda done, total: done >= 50 and os.kill(os.getpid(), signal.SIGKILL);"
        "home = Path(sys.argv[1]); move_store(Place(home), Place(home, os.environ['TO']), die)"
    )
    command = [sys.executable, "-c", code, str(file.home)]
    done = await asyncio.to_thread(subprocess.run, command, env={**os.environ, "TO": database_url}, check=False)
    assert done.returncode == -9
    target = Place(file.home, database_url)
    assert (await asyncio.to_thread(move_store, file, target, quiet)).events == 90


def test_where_it_goes_and_where_it_is(tmp_path: Path) -> None:
    url = "postgresql://u@h/d"
    assert target_of(url, Place(tmp_path)) == Place(tmp_path, url)
    assert target_of(str(tmp_path), Place(tmp_path, url)).url == ""
    for wrong in ("mysql://h/d", "$UNSET"):
        with pytest.raises(CommandError, match="neither a folder nor"):
            target_of(wrong, Place(tmp_path))
    assert source_of(Place(tmp_path, url), Place(tmp_path, url)) == Place(tmp_path)
    assert source_of(Place(tmp_path, url), Place(tmp_path, "postgresql://other/d")).url == url

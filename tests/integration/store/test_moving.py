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
from hutch.bootstrap.stores import (
    Place,
    open_accounts,
    open_database,
    open_samples,
    open_sightings,
    open_store,
    open_watches,
)
from hutch.commands.context import CommandError
from hutch.model.access import AccessRole, Permission
from hutch.model.accounts import Account, Session, Token
from hutch.model.event import Draft, Event
from hutch.model.probe import Probed, Sighting
from hutch.ports import Append, Job, TakenJob
from hutch.queue import moving as queue_moving
from hutch.store import carrying, moving
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.errors import StoreError
from hutch.store.owner import this_process
from hutch.store.postgres.end import source
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
    with source(database_url, queue_moving) as end:
        tries = [(job.kind, tried, given_up) for part in end.jobs() for job, tried, given_up in part]
    assert sorted(tries) == [("dead", 0, False), ("dead", 1, True), ("free", 0, False), ("held", 1, False)]
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
    with pytest.raises(StoreError, match="is not empty: it holds 1 events and 1 jobs; name a new place"):
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


KILL = "os.kill(os.getpid(), signal.SIGKILL)"

DYING = f"""
import os, signal, sys
from pathlib import Path
from hutch.bootstrap import moving as whole
from hutch.bootstrap.stores import Place
from hutch.store import moving
moving.BATCH = 10
home, where, point = Path(sys.argv[1]), os.environ["TO"], sys.argv[2]
inside, carry, write = whole.move, whole.carried, Path.write_text
def die(*_):
    {KILL}
def beside(*ends):
    carry(*ends)
    die()
if point == "between":
    whole.carried = beside
if point == "unmarked":
    Path.write_text = lambda *_, **__: die()
target = Place(home, where) if "://" in where else Place(Path(where))
whole.move_store(Place(home), target, lambda done, total: point == "log" and done >= 50 and die())
"""


async def killed(source: Place, target: Place, point: str) -> None:
    """A move that ends by SIGKILL: in the midst of the log, between what lies beside it and the log, or unmarked."""
    command = [sys.executable, "-c", DYING, str(source.home), point]
    env = {**os.environ, "TO": target.url or str(target.home)}
    done = await asyncio.to_thread(subprocess.run, command, env=env, check=False)
    assert done.returncode == -9


@pytest.mark.parametrize("point", ["log", "between", "unmarked"])
@pytest.mark.parametrize("to", ["postgres", "sqlite"])
async def test_a_move_that_is_killed_can_be_done_again(
    file: Place, tmp_path: Path, database_url: str, to: str, point: str
) -> None:
    await filled(file)
    await beside(file)
    before = await read_beside(file)
    target = Place(file.home, database_url) if to == "postgres" else Place(tmp_path / "new")
    await killed(file, target, point)
    assert not file.moved.exists()
    assert verify_store(file.file).events == 90
    assert written(target) == (90 if point == "unmarked" else 0)
    moved = await asyncio.to_thread(move_store, file, target, quiet)
    assert (moved.events, moved.jobs, moved.again) == (90, 4, point == "unmarked")
    assert file.moved.exists()
    assert await read_beside(target) == before
    assert written(target) == 90


async def test_a_target_that_went_on_since_is_never_taken_for_the_same(file: Place, database_url: str) -> None:
    await filled(file)
    target = Place(file.home, database_url)
    await asyncio.to_thread(move_store, file, target, quiet)
    file.moved.unlink()
    assert (await asyncio.to_thread(move_store, file, target, quiet)).again
    file.moved.unlink()
    store, _ = open_database(database_url, SYSTEM_CLOCK)
    await store.commit([], [Job("drive", "x")])
    await store.close()
    with pytest.raises(StoreError, match="is not empty: it holds 90 events and 5 jobs"):
        await asyncio.to_thread(move_store, file, target, quiet)
    assert not file.moved.exists()


def written(place: Place) -> int:
    """Events that are there for good."""
    return (verify_database(place.url) if place.url else verify_store(place.file)).events


def test_where_it_goes_and_where_it_is(tmp_path: Path) -> None:
    url = "postgresql://u@h/d"
    assert target_of(url, Place(tmp_path)) == Place(tmp_path, url)
    assert target_of(str(tmp_path), Place(tmp_path, url)).url == ""
    for wrong in ("mysql://h/d", "$UNSET"):
        with pytest.raises(CommandError, match="neither a folder nor"):
            target_of(wrong, Place(tmp_path))
    with pytest.raises(CommandError, match=r"--to 'env:TARGET': no folder; a variable is written '\$TARGET'"):
        target_of("env:TARGET", Place(tmp_path))
    assert source_of(Place(tmp_path, url), Place(tmp_path, url)) == Place(tmp_path)
    assert source_of(Place(tmp_path, url), Place(tmp_path, "postgresql://other/d")).url == url


# ------------------------------------------------------------------ what lies beside the log


NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


async def beside(place: Place) -> None:
    """Accounts, samples, sightings, watches, files."""
    who = open_accounts(place)
    assert await who.add(Account("änne", AccessRole.ADMIN, NOON, {"shop": AccessRole.VIEWER}, "$argon2id$x", "sub"))
    await who.strike("änne", NOON, lambda _: timedelta(hours=1))
    await who.keep_session(Session("5e55", "änne", NOON, LATER, "a browser"))
    await who.keep_token(Token("t1", "d19e57", "änne", "ci", frozenset({Permission.READ}), NOON, LATER))
    await who.keep_ticket("71c", "first", LATER)
    await who.close()
    kept = open_samples(place, 1)
    for n in range(20):
        await kept.record("shop", NOON + timedelta(minutes=n), {"error_rate": n / 3, "p95": 1e-9 * n})
    await kept.close()
    rows = open_watches(place)
    await rows.keep("shop", NOON, {"rules": ["•"]})
    await rows.close()
    seen = open_sightings(place)
    await seen.keep([Sighting("web", "shop", "here", NOON, Probed(True, "200 in 12 ms"))])
    await seen.close()
    for name in ("output/run-1/a.txt", "evidence/ab/ab12"):
        (place.home / name).parent.mkdir(parents=True)
        (place.home / name).write_text(name)
    (place.home / "frozen").write_text("a release")


async def read_beside(place: Place) -> list[object]:
    """The same, as its users read it."""
    who, kept, rows, seen = open_accounts(place), open_samples(place, 1), open_watches(place), open_sightings(place)
    found: list[object] = [
        await who.every(), await who.session("5e55"), await who.tokens(), await who.ticket("71c", NOON),
        await kept.read("shop", "error_rate", NOON, NOON + timedelta(hours=1)),
        await rows.latest(), await seen.latest(),
    ]  # fmt: skip
    for one in (who, kept, rows, seen):
        await one.close()
    return found


async def test_what_lies_beside_the_log_moves_too_and_back(
    file: Place, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "BATCH", 7)
    await filled(file)
    await beside(file)
    before = await read_beside(file)
    assert all(before)
    server, back = Place(file.home, database_url), Place(tmp_path / "back")
    moved = await asyncio.to_thread(move_store, file, server, quiet)
    counted = {name: moved.beside[name] for name in ("accounts", "sessions", "tokens", "tickets", "series", "watches")}
    assert counted == {"accounts": 1, "sessions": 1, "tokens": 1, "tickets": 1, "series": 2, "watches": 1}
    assert (moved.beside["samples"] >= 20, moved.beside["sightings"], moved.beside["files"]) == (True, 1, 3)
    again = await asyncio.to_thread(move_store, server, back, quiet)
    assert again == moved
    assert before == await read_beside(server) == await read_beside(back)
    assert (back.home / "frozen").read_text() == "a release"
    assert (back.home / "output/run-1/a.txt").read_text() == "output/run-1/a.txt"
    assert (back.home / "access.db").stat().st_mode & 0o077 == 0
    fresh = open_samples(server, 1)
    await fresh.record("shop", NOON, {"a_new_signal": 1.0})  # its number is none that moved along
    assert (await fresh.read("shop", "a_new_signal", NOON, NOON + timedelta(hours=1))).bins
    await fresh.close()


async def test_other_accounts_in_the_target_are_never_replaced(file: Place, database_url: str) -> None:
    await filled(file)
    await beside(file)
    target = Place(file.home, database_url)
    theirs = open_accounts(target)
    assert await theirs.add(Account("mallory", AccessRole.ADMIN, NOON))
    await refused(file, target, "holds accounts already, and they are not those of this store")
    assert [one.name for one in await theirs.every()] == ["mallory"]
    await theirs.close()


async def test_rows_that_a_target_alters_are_noticed(file: Place, database_url: str) -> None:
    await filled(file)
    await beside(file)
    target = Place(file.home, database_url)
    theirs = open_accounts(target)
    assert not await theirs.any()
    await theirs.close()
    with psycopg.connect(database_url, autocommit=True, options="-c search_path=hutch_samples") as connection:
        body = "BEGIN NEW.role = 'viewer'; RETURN NEW; END"
        connection.execute(f"CREATE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        connection.execute("CREATE TRIGGER harm BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION harm()")
    await refused(file, target, "does not hold the same accounts after the move")
    theirs = open_accounts(target)
    assert await theirs.every() == []
    await theirs.close()

"""``hutch recover`` as a program, with a server that is away, silent, old or strict, or whose connection is cut."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hutch.model.action import Result, Verified
from hutch.patience import MARGIN
from shop_world import Shop
from wire import wired

CONFIG = """
mode: act
services:
  shop:
    postgres: {{url: {{env: SHOP_URL}}}}
    backup:
      url: {{env: SHOP_URL}}
      recover_url: {{env: MERGE_URL}}
      to: {to}
      tools: {tools}
      work: {work}
      connect_timeout: 2.0
      recover_lock_timeout: 60.0
      recover_timeout: {seconds}
"""
FIFTEEN = Path("/usr/lib/postgresql/15")
ROWS = ("rows", "--table", "portfolios", "--from-audit")
APPLY = (*ROWS, "--apply", "--yes", "--json")
STATE = "select count(*) || ' ' || md5(string_agg(p::text, ',' order by id)) from portfolios p"
PAGES = "select count(*) || ' ' || md5(string_agg(p::text, ',' order by portfolio_id)) from pages p"
PATIENCE = 60.0
PATIENT = 4.0
"""Seconds that a statement of recovery may take where the server falls silent."""


@pytest.fixture
def home(shop: Shop, tmp_path: Path) -> Path:
    return made(shop, tmp_path)


def made(shop: Shop, folder: Path, seconds: float = 900.0) -> Path:
    """The configuration; ``seconds``: how long a statement of recovery may take."""
    (folder / "work").mkdir(exist_ok=True)
    settings = {"to": shop.folder, "tools": shop.postgres.bin_dir, "work": folder / "work", "seconds": seconds}
    (folder / "hutch.yaml").write_text(CONFIG.format(**settings))
    return folder


def argv(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("hutch")), "recover", *words]


def environment(url: str, merge: str = "") -> dict[str, str]:
    return {**os.environ, "SHOP_URL": url, "MERGE_URL": merge or url}


def called(home: Path, url: str, *words: str, merge: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(*words), cwd=home, env=environment(url, merge), capture_output=True, text=True, timeout=PATIENCE
    )


def changed(url: str, **parts: object) -> str:
    """The same address but for these parts."""
    return make_conninfo("", **{**conninfo_to_dict(url), **parts})  # type: ignore[arg-type]


@contextmanager
def silent() -> Iterator[int]:
    """A port where connections are taken and nobody ever says a word."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


def words_for(home: Path) -> list[tuple[str, ...]]:
    return [ROWS, ("check",), ("copy", "--to", str(home / "copied"))]


def failed(home: Path, url: str, code: int, said: str) -> None:
    """Each of the commands ends with that code and one error; nothing of it lies in the work folder."""
    for words in words_for(home):
        ended = called(home, url, *words)
        assert (ended.returncode, ended.stdout) == (code, ""), (words, ended)
        [line] = ended.stderr.splitlines()
        assert line.startswith("hutch: "), line
        assert said in line, (words, line)
        assert "hidden-word" not in line
        assert list((home / "work").iterdir()) == []


def test_a_server_that_is_down(shop: Shop, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    failed(home, changed(shop.url, port=port, password="hidden-word"), 5, "Connection refused")


@pytest.mark.slow
def test_a_server_that_takes_connections_and_never_answers(shop: Shop, home: Path) -> None:
    with silent() as port:
        failed(home, changed(shop.url, port=port, password="hidden-word"), 5, "connection timeout expired")


def test_a_server_that_refuses_the_login(shop: Shop, home: Path) -> None:
    failed(home, changed(shop.url, user="nobody_here", password="hidden-word"), 1, "nobody_here")


@pytest.fixture
async def deleted(shop: Shop) -> Shop:
    """100 portfolios and their pages are gone, and there is a backup from before."""
    await shop.backup()
    assert shop.deleted("id <= 100") == 100
    return shop


def test_a_silent_server_to_merge_into(deleted: Shop, home: Path) -> None:
    before = deleted.one(STATE), deleted.one(PAGES)
    with silent() as port:
        ended = called(home, deleted.url, *APPLY, merge=changed(deleted.url, port=port))
    assert ended.returncode == 1, ended
    assert "timeout" in ended.stdout, ended
    assert (deleted.one(STATE), deleted.one(PAGES)) == before
    assert deleted.scratches() == []


@pytest.mark.parametrize("rights", ["", "grant select on all tables in schema public to clerk"])
def test_a_login_without_rights(deleted: Shop, home: Path, rights: str) -> None:
    deleted.run("drop role if exists clerk; create role clerk login password 'clerk-word'")
    try:
        deleted.run(rights or "select 1")
        before = deleted.one(STATE), deleted.one(PAGES)
        clerk = changed(deleted.url, user="clerk", password="clerk-word")
        ended = called(home, clerk, *APPLY)
        assert ended.returncode == 1, ended
        assert "permission denied" in ended.stderr or "CREATEDB" in ended.stderr, ended
        ended = called(home, deleted.url, *APPLY, merge=clerk)
        assert ended.returncode == 1, ended
        assert "permission denied" in ended.stdout, ended
        assert (deleted.one(STATE), deleted.one(PAGES)) == before
        assert deleted.scratches() == []
    finally:
        deleted.run("drop owned by clerk; drop role clerk")


@pytest.mark.slow
@pytest.mark.skipif(not FIFTEEN.exists(), reason="there is no Postgres 15")
async def test_a_server_that_is_old(old_shop: Shop, tmp_path: Path) -> None:
    """Its rows come back, its damage is looked for, its tables are copied."""
    home, before = made(old_shop, tmp_path), (old_shop.one(STATE), old_shop.one(PAGES))
    await old_shop.backup()
    old_shop.run("create extension amcheck")
    assert old_shop.deleted("id <= 100") == 100
    shown = called(home, old_shop.url, *ROWS, "--json")
    assert (shown.returncode, json.loads(shown.stdout)["rows"]) == (0, 200), shown
    done = called(home, old_shop.url, *APPLY)
    assert done.returncode == 0, done
    assert (old_shop.one(STATE), old_shop.one(PAGES)) == before
    assert called(home, old_shop.url, "check").returncode == 0
    assert called(home, old_shop.url, "copy", "--to", str(home / "copied")).returncode == 0


# ------------------------------------------------------------------ cut in the middle


def until_waiting(shop: Shop) -> None:
    """Until the merge waits for the lock that we hold."""
    deadline = time.monotonic() + PATIENCE
    question = (
        "select count(*) from pg_stat_activity where application_name = 'hutch recover' and wait_event_type = 'Lock'"
    )
    while not shop.one(question):
        assert time.monotonic() < deadline, "the merge never came to the lock"
        time.sleep(0.01)


def test_cut_in_the_middle_of_the_merge(deleted: Shop, home: Path) -> None:
    """Hutch lives on and says that nothing came back; the server rolls back; once more, and all is back."""
    before = deleted.one(STATE), deleted.one(PAGES)
    with wired(deleted.postgres.port) as (wire, port), psycopg.connect(deleted.url) as holder:
        holder.execute("lock table portfolios in share mode")
        merge = changed(deleted.url, port=port, host="127.0.0.1")
        process = subprocess.Popen(
            argv(*APPLY), cwd=home, env=environment(deleted.url, merge), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            until_waiting(deleted)
            wire.cut()
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.communicate()
        assert (process.returncode, wire.cuts) == (1, 1), (out, err)
        assert "server closed the connection" in out, (out, err)
        assert (deleted.one(STATE), deleted.one(PAGES)) == before
    ended(deleted)
    assert (deleted.one(STATE), deleted.one(PAGES)) == before
    assert deleted.scratches() == []
    assert called(home, deleted.url, *APPLY).returncode == 0
    assert (deleted.one("select count(*) from portfolios"), deleted.one("select count(*) from pages")) == (900, 150)


def ended(shop: Shop) -> None:
    """Until the server has ended every session of the merge."""
    deadline = time.monotonic() + PATIENCE
    while shop.one("select count(*) from pg_stat_activity where application_name = 'hutch recover'"):
        assert time.monotonic() < deadline, "a session of the merge is left"
        time.sleep(0.01)


@pytest.mark.parametrize("silent", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_cut_or_silent_before_the_commit_is_answered(deleted: Shop, home: Path, silent: bool) -> None:
    """What became of the transaction can't be known: the database is asked, and all is there."""
    made(deleted, home, PATIENT)
    with wired(deleted.postgres.port, b"COMMIT", forwarded=True, silent=silent) as (wire, port):
        done = called(home, deleted.url, *APPLY, merge=changed(deleted.url, port=port, host="127.0.0.1"))
    assert (done.returncode, wire.stalls if silent else wire.cuts) == (0, 1), done
    assert (deleted.one("select count(*) from portfolios"), deleted.one("select count(*) from pages")) == (900, 150)
    assert deleted.scratches() == []


@pytest.mark.parametrize("silent", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_cut_or_silent_before_the_commit_arrives(deleted: Shop, silent: bool) -> None:
    """It is not known either, and said so; the look finds that nothing came back."""
    before, args = (deleted.one(STATE), deleted.one(PAGES)), {"table": "portfolios"}
    with wired(deleted.postgres.port, b"COMMIT", silent=silent) as (_, port):
        merge = changed(deleted.url, port=port, host="127.0.0.1")
        async with deleted.opened(recover_url=merge, recover_timeout=PATIENT) as connection:
            outcome = await connection.actions["recover.rows"].apply(args)
            verification = await connection.actions["recover.rows"].verify(args)
    assert outcome.result is Result.UNKNOWN, outcome
    assert not silent or f"no answer within {PATIENT + MARGIN:g} s" in outcome.summary
    assert (verification.verdict, verification.summary) == (Verified.FAILED, "200 rows are still missing")
    await asyncio.to_thread(ended, deleted)
    assert (deleted.one(STATE), deleted.one(PAGES)) == before
    assert deleted.scratches() == []


@pytest.mark.slow
async def test_silent_in_the_middle_of_the_merge(deleted: Shop) -> None:
    """Nothing was committed, so it failed: nothing about it is unknown."""
    before = deleted.one(STATE), deleted.one(PAGES)
    with wired(deleted.postgres.port, b"insert into", silent=True) as (wire, port):
        merge = changed(deleted.url, port=port, host="127.0.0.1")
        async with deleted.opened(recover_url=merge, recover_timeout=PATIENT) as connection:
            outcome = await connection.actions["recover.rows"].apply({"table": "portfolios"})
    assert (outcome.result, outcome.recoverable, wire.stalls) == (Result.FAILED, True, 1), outcome
    assert "no answer within" in outcome.summary
    await asyncio.to_thread(ended, deleted)
    assert (deleted.one(STATE), deleted.one(PAGES)) == before
    assert deleted.scratches() == []


@pytest.mark.parametrize("word", [b"begin transaction isolation", b"pg_database_size"])
@pytest.mark.slow
def test_silent_while_it_is_planned(deleted: Shop, home: Path, word: bytes) -> None:
    made(deleted, home, PATIENT)
    with wired(deleted.postgres.port, word, silent=True) as (wire, port):
        shown = called(home, changed(deleted.url, port=port, host="127.0.0.1"), *ROWS)
    assert (shown.returncode, wire.stalls) == (5, 1), shown
    assert "no answer within" in shown.stderr

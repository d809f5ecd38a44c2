"""What goes wrong with backups: a clear error, nothing half-made taken for good, and nothing left unnoticed."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backup_world import SHOP, Shop, listed
from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.providers.backup.causes import explain
from rolerabbit.embedded.postgres import Postgres
from wire import wired

PROCESS = Path(__file__).parents[2] / "support" / "backup_process.py"
OTHER_KEY = "ff" * 32


async def made(shop: Shop, **changed: object) -> Path:
    """The folder of a new backup."""
    outcome = await shop.opened(**changed).actions["backup.create"].apply({})
    assert outcome.result is Result.DONE, outcome.summary
    return max((Path(str(shop.settings["to"])) / "shop").iterdir())


def largest(folder: Path) -> Path:
    return max((folder / "data").iterdir(), key=lambda p: p.stat().st_size)


def cut(folder: Path) -> None:
    path = largest(folder)
    path.write_bytes(path.read_bytes()[:-10])


def altered(folder: Path) -> None:
    path = largest(folder)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def swapped(folder: Path) -> None:
    first, second = sorted((folder / "data").iterdir())[:2]
    whole = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(whole)


def missing(folder: Path) -> None:
    largest(folder).unlink()


@pytest.mark.parametrize("key", [{}, {"key": None}], ids=["encrypted", "clear"])
@pytest.mark.parametrize("damage", [cut, altered, swapped, missing])
async def test_a_damaged_backup_is_proved_to_be_one(
    shop: Shop, damage: Callable[[Path], None], key: dict[str, object]
) -> None:
    folder = await made(shop, **key)
    damage(folder)
    connection = shop.opened(**key)
    outcome = await connection.actions["backup.verify"].apply({})
    assert outcome.result is Result.FAILED
    assert f"backup {folder.name} is not good" in outcome.summary
    assert (await connection.actions["backup.verify"].verify({})).verdict is Verified.FAILED
    [row] = json.loads((await listed(connection, json=True)).output)["backups"]
    assert row["state"] == "failed"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert json.loads((await listed(connection, json=True, before=later)).output)["backups"] == []
    [cause] = explain([await connection.checks["backup.age"]()])
    assert cause.code == "backup.overdue"


async def test_an_altered_manifest_is_no_backup(shop: Shop) -> None:
    folder = await made(shop)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 2000', '"rows": 1999'))
    connection = shop.opened()
    found = json.loads((await listed(connection, json=True)).output)
    assert found["backups"] == []
    assert "altered" in found["unreadable"][folder.name]
    outcome = await connection.actions["backup.verify"].apply({"backup": folder.name})
    assert outcome.result is Result.FAILED
    manifest.write_bytes(manifest.read_bytes()[:100])
    assert "cut short" in json.loads((await listed(connection, json=True)).output)["unreadable"][folder.name]


async def test_the_wrong_key_is_named_and_an_old_one_still_reads(shop: Shop) -> None:
    folder = await made(shop)
    wrong = shop.opened(key=OTHER_KEY)
    outcome = await wrong.actions["backup.verify"].apply({"backup": folder.name})
    assert outcome.result is Result.FAILED
    assert "it is encrypted with key" in outcome.summary
    assert not (folder / "proof.json").exists()
    ringed = shop.opened(key=OTHER_KEY, old_keys={"first": shop.settings["key"]})
    proved = await ringed.actions["backup.verify"].apply({"backup": folder.name})
    assert proved.result is Result.DONE, proved.summary


async def test_a_backup_of_another_database_is_refused(shop: Shop, server: Postgres) -> None:
    folder = await made(shop)
    url = server.createdb("another_shop")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute('drop table if exists users, "Portfolio Items" cascade')
        session.execute(SHOP)
    verify = shop.opened(url=url).actions["backup.verify"]
    assert "it is of database 'shop_" in (await verify.preview({})).refused
    assert (await verify.apply({})).result is Result.FAILED
    assert not (folder / "proof.json").exists()
    assert (await verify.apply({"foreign": True})).result is Result.DONE


async def test_one_that_is_older_than_the_schema_says_so(shop: Shop) -> None:
    await made(shop)
    with psycopg.connect(shop.url, autocommit=True) as session:
        session.execute("alter table users add column phone text")
        session.execute("create table orders (id int)")
    outcome = await shop.opened().actions["backup.verify"].apply({})
    assert outcome.result is Result.DONE
    assert "older than the schema: tables new: public.orders; changed: public.users" in outcome.output


async def test_programs_that_are_older_than_the_server_are_named(shop: Shop, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (tools / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 15.4'\n")
        (tools / name).chmod(0o755)
    shown = await shop.opened(tools=str(tools)).actions["backup.create"].preview({})
    assert f"version 15 in {tools}" in shown.refused
    assert "postgresql-client-18" in shown.refused


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder of 32 kB, where root may mount one; else a bound on the size of every file does as well."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=32k", "hutch", str(folder)]
    mounted = bool(shutil.which("mount")) and subprocess.run(words, capture_output=True, timeout=20).returncode == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, limits[1]))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)
    if mounted:
        subprocess.run(["umount", str(folder)], check=True, timeout=20)


@pytest.mark.parametrize("place", ["to", "work"])
async def test_a_full_disk_leaves_nothing(shop: Shop, small: Path, place: str) -> None:
    outcome = await shop.opened(**{place: str(small)}).actions["backup.create"].apply({})
    assert outcome.result is Result.FAILED
    assert re.search(r"No space left on device|File too large", outcome.summary), outcome.summary
    assert not [p for p in small.rglob("*") if p.is_file()]
    assert json.loads((await listed(shop.opened(), json=True)).output)["unfinished"] == []


# ------------------------------------------------------------------ killed


@pytest.fixture
def started(shop: Shop) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(action: str, **changed: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(PROCESS), action], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdin
        process.stdin.write(json.dumps({**shop.settings, **changed}))
        process.stdin.close()
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def said(process: subprocess.Popen[str], word: str) -> None:
    """Wait until it says so."""
    assert process.stdout
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"it ended before it said {word!r}")


async def dumping(shop: Shop) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(shop.url) as session:
        asked = (
            "select pid from pg_stat_activity where datname = current_database() and application_name = 'hutch backup'"
        )
        rows = await (await session.execute(asked)).fetchall()
    return [row[0] for row in rows]


async def test_killed_in_the_middle_of_the_dump(shop: Shop, started: Callable[..., subprocess.Popen[str]]) -> None:
    """A lock holds the dump up, so that it is in the middle for sure; then we are killed."""
    with psycopg.connect(shop.url) as holder:
        holder.execute("lock table users in access exclusive mode")
        process = started("backup.create")
        said(process, "pg_dump 18 begins")
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while await dumping(shop):
            assert time.monotonic() < deadline, "pg_dump outlived us"
            await asyncio.sleep(0.05)
    assert json.loads((await listed(shop.opened(), json=True)).output)["backups"] == []
    await made(shop)


@pytest.mark.parametrize(
    ("action", "word"),
    [
        ("backup.create", "storing 1 of"),
        ("backup.create", "storing 3 of"),
        ("backup.verify", "fetching 1 of"),
        ("backup.verify", "pg_restore 18 begins"),
    ],
)
async def test_killed_while_it_is_stored_fetched_or_restored(
    shop: Shop, started: Callable[..., subprocess.Popen[str]], action: str, word: str
) -> None:
    await made(shop)
    process = started(action)
    said(process, word)
    process.kill()
    process.wait()
    connection = shop.opened()
    rows = json.loads((await listed(connection, json=True)).output)["backups"]
    assert 1 <= len(rows) <= 2  # the one before, and this one only if it was whole by then
    again = await connection.actions["backup.create"].apply({"verify": True})
    assert again.result is Result.DONE, again.summary
    after = json.loads((await listed(connection, json=True)).output)
    assert after["unfinished"] == []
    for row in after["backups"]:
        proved = await connection.actions["backup.verify"].apply({"backup": row["id"]})
        assert proved.result is Result.DONE, proved.summary


@pytest.mark.parametrize("format_", ["directory", "custom"])
async def test_cancelled_it_leaves_nothing(shop: Shop, format_: str) -> None:
    with psycopg.connect(shop.url) as holder:
        holder.execute("lock table users in access exclusive mode")
        making = asyncio.create_task(shop.opened(format=format_).actions["backup.create"].apply({}))  # type: ignore[arg-type]
        while len(await dumping(shop)) < 2:
            assert not making.done()
            await asyncio.sleep(0.02)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert json.loads((await listed(shop.opened(), json=True)).output)["unfinished"] == []


@pytest.mark.parametrize("format_", ["directory", "custom"])
async def test_a_table_that_is_held_is_not_waited_for_without_end(shop: Shop, format_: str) -> None:
    with psycopg.connect(shop.url) as holder:
        holder.execute("lock table users in access exclusive mode")
        outcome = await shop.opened(lock_timeout=0.3, format=format_).actions["backup.create"].apply({})
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert re.search("lock timeout|could not obtain lock", outcome.summary), outcome.summary
    found = json.loads((await listed(shop.opened(), json=True)).output)
    assert (found["backups"], found["unfinished"]) == ([], [])


async def test_two_at_once_are_one(shop: Shop) -> None:
    with psycopg.connect(shop.url) as holder:
        holder.execute("lock table users in access exclusive mode")
        first = asyncio.create_task(shop.opened().actions["backup.create"].apply({}))  # type: ignore[arg-type]
        while len(await dumping(shop)) < 2:
            await asyncio.sleep(0.02)
        second = await shop.opened().actions["backup.create"].apply({})
        assert (second.result, second.recoverable) == (Result.FAILED, True)
        assert "another backup of shop is being made" in second.summary
    assert (await first).result is Result.DONE


async def test_a_server_that_dies_in_the_middle(tmp_path: Path, server: Postgres) -> None:
    """Also the age is still told: by what is in the store, without the server."""
    with Postgres.temporary() as doomed:
        url = doomed.createdb("shop")
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(SHOP)
        work = tmp_path / "w"
        work.mkdir()
        settings = {"url": url, "to": str(tmp_path / "store"), "tools": str(server.bin_dir), "work": str(work)}
        shop = Shop(doomed, url, settings)
        await made(shop)
        holder = psycopg.connect(url)
        holder.execute("lock table users in access exclusive mode")
        making = asyncio.create_task(shop.opened().actions["backup.create"].apply({}))  # type: ignore[arg-type]
        while len(await dumping(shop)) < 2:
            await asyncio.sleep(0.02)
        doomed.kill()
        outcome = await making
        holder.close()
        assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
        refused = await shop.opened().actions["backup.create"].preview({})
        assert "refused" in refused.refused or "closed" in refused.refused
        finding = await shop.opened().checks["backup.age"]()
        assert (finding.status, finding.data["provable"]) == (Status.BAD, True)
        found = json.loads((await listed(shop.opened(), json=True)).output)
        assert (len(found["backups"]), found["unfinished"]) == (1, [])
        assert list(work.iterdir()) == []


@pytest.mark.parametrize("word", [b"pg_export_snapshot", pytest.param(b"count(*)", marks=pytest.mark.slow)])
async def test_a_server_that_falls_silent_is_given_up(shop: Shop, word: bytes) -> None:
    with wired(shop.postgres.port, word, silent=True) as (wire, port):
        through = make_conninfo("", **{**conninfo_to_dict(shop.url), "host": "127.0.0.1", "port": port})  # type: ignore[arg-type]
        connection = shop.opened(url=through, scratch_url=shop.url, timeout=timedelta(seconds=4))
        async with asyncio.timeout(60):
            outcome = await connection.actions["backup.create"].apply({})
    assert (outcome.result, wire.stalls) == (Result.FAILED, 1), outcome
    assert re.search(r"no answer within 4 s|pg_dump took longer than 4 s", outcome.summary), outcome
    assert json.loads((await listed(shop.opened(), json=True)).output)["backups"] == []

"""Real pages turned over: found, named, copied around; only indexes are built anew."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from damaged_world import Damaged
from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider

Made = Callable[..., Damaged]
FIFTEEN = Path("/usr/lib/postgresql/15")
GARBAGE = bytes(range(1, 255)) * 8


@asynccontextmanager
async def opened(world: Damaged, **settings: object) -> AsyncIterator[Connection]:
    given = {
        **{s.name: s.default for s in provider.settings},
        "url": world.postgres.url,
        "owner_url": world.postgres.url,
    }
    connection = provider.open(TargetConfig("shop", {**given, **settings}, lambda: datetime.now(UTC)))
    try:
        yield connection
    finally:
        await connection.close()


async def asked(world: Damaged, verb: str, **args: object) -> tuple[int | None, dict[str, Any]]:
    async with opened(world) as connection:
        outcome = await connection.runs[verb](Command(verb, verb, "", Effect.READ, args=args))
    assert outcome.result is Result.DONE, outcome
    return outcome.exit_code, json.loads(outcome.output)


def dumped(world: Damaged) -> int:
    """How pg_dump ends on it."""
    argv = [str(world.postgres.bin_dir / "pg_dump"), "--dbname", world.postgres.url, "--file", os.devnull]
    return subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode


async def test_a_sound_database_is_copied_whole_and_loads_again(made: Made, tmp_path: Path) -> None:
    world = made()
    code, found = await asked(world, "damage.list")
    assert (code, found["damaged"], found["unchecked"], found["checksums"]) == (0, [], [], True)
    code, told = await asked(world, "damage.copy", to=str(tmp_path / "copy"))
    assert (code, told["whole"], told["snapshots"]) == (0, True, 1)
    digest = "select md5(string_agg(x::text, '' order by id)) from {} x"
    before = {t: world.one(digest.format(t)) for t in ("orders", "people", "files")}
    url = world.postgres.createdb("again")
    for script in ("1-tables.sql", "2-rows.sql", "3-rest.sql"):
        loaded(world, url, tmp_path / "copy", script)
    with psycopg.connect(url) as connection:
        for table, was in before.items():
            assert connection.execute(digest.format(table).encode()).fetchone() == (was,)
        assert connection.execute("select count(*) from pg_indexes where schemaname = 'public'").fetchone() == (4,)
    assert oct((tmp_path / "copy" / "manifest.json").stat().st_mode & 0o777) == "0o600"


def loaded(world: Damaged, url: str, folder: Path, script: str) -> None:
    argv = [str(world.postgres.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, url]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_a_page_with_a_wrong_checksum_is_left_out_and_its_neighbours_are_copied(
    made: Made, tmp_path: Path
) -> None:
    world = made()
    total = world.one("select count(*) from orders")
    on_page = world.one("select count(*) from orders where ctid >= '(3,0)' and ctid < '(4,0)'")
    world.harm("orders", 3, 4000, b"?!" * 30)
    assert dumped(world) != 0
    code, found = await asked(world, "damage.list")
    assert code == 3
    [cause] = found["causes"]
    assert (cause["code"], cause["object"]["kind"], cause["object"]["id"]) == ("postgres.corruption", "table", "orders")
    assert cause["remedies"] == []
    assert "keep the files as they are first" in found["order"][0]
    assert all("its table is damaged" in one["reason"] for one in found["unchecked"])

    code, told = await asked(world, "damage.copy", to=str(tmp_path / "copy"))
    assert (code, told["whole"]) == (3, False)
    orders = next(t for t in told["tables"] if t["table"] == "public.orders")
    assert orders["rows"] == total - on_page
    assert [lost["pages"] for lost in orders["unreadable_pages"]] == [[3, 3]]
    assert "invalid page in block 3" in orders["unreadable_pages"][0]["message"]
    assert on_page - 2 <= orders["rows_of_suspect_pages"] <= on_page  # what the damage hit may be no row any more
    lines = (tmp_path / "copy" / orders["files"]["whole"]["name"]).read_text().splitlines()
    assert len(lines) == orders["rows"]
    assert all(t["rows"] == 1000 for t in told["tables"] if t["table"] == "public.people")


async def test_without_checksums_torn_headers_and_torn_values_cost_only_themselves(made: Made, tmp_path: Path) -> None:
    world = made(checksums=False)
    world.harm("orders", 7, 0, GARBAGE[:64])  # the page's header
    toast = world.one("select reltoastrelid::regclass from pg_class where relname = 'files'")
    victim = world.one(f"select min(ctid)::text from {toast} where chunk_seq = 1")
    page = int(victim.strip("()").split(",")[0])
    world.harm(toast, page, 24, b"\0" * 40)  # where the page says its rows are
    code, found = await asked(world, "damage.list")
    assert code == 3
    assert not found["checksums"]
    assert {c["object"]["id"] for c in found["causes"] if c["object"]["kind"] == "table"} == {"orders", "files"}

    code, told = await asked(world, "damage.copy", to=str(tmp_path / "copy"))
    assert code == 3
    tables = {t["table"].removeprefix("public."): t for t in told["tables"]}
    assert [lost["pages"] for lost in tables["orders"]["unreadable_pages"]] == [[7, 7]]
    files = tables["files"]
    assert files["unreadable_rows"], files
    assert all(row["columns"] == ["content"] for row in files["unreadable_rows"])
    assert files["rows"] + files["rows_saved_without_columns"] == 20
    assert tables["people"]["rows"] == 1000


async def test_a_damaged_index_is_built_anew_and_nothing_is_lost(made: Made) -> None:
    world = made()
    world.harm("orders_customer", 5, 5000, b"!!" * 50)
    code, found = await asked(world, "damage.list", table="orders")
    assert code == 3
    [cause] = found["causes"]
    assert (cause["object"]["kind"], cause["object"]["id"]) == ("index", "orders_customer")
    [remedy] = cause["remedies"]
    assert remedy["action"] == "postgres.reindex"
    async with opened(world) as connection:
        action = connection.actions["postgres.reindex"]
        preview = await action.preview(remedy["args"])
        assert not preview.refused, preview
        outcome = await action.apply(remedy["args"])
        assert outcome.result is Result.DONE, outcome
        assert (await action.verify(remedy["args"])).verdict is Verified.PASSED
    code, found = await asked(world, "damage.list", table="orders")
    assert (code, found["damaged"]) == (0, [])
    assert world.one("select count(*) from orders where customer like 'customer%'") == 5000


async def test_what_stands_in_the_way_is_said(made: Made, tmp_path: Path) -> None:
    world = made()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    async with opened(world) as connection:
        salvage = connection.runs["damage.copy"]
        for args, why in (({}, "say where"), ({"to": str(tmp_path / "full")}, "is not empty")):
            outcome = await salvage(Command("s", "s", "", Effect.READ, args=args))
            assert outcome.result is Result.FAILED
            assert why in outcome.summary
        amcheck = connection.runs["damage.list"]
        outcome = await amcheck(Command("a", "a", "", Effect.READ, args={"table": "nothing"}))
        assert "there is no table public.nothing" in outcome.summary
        world.run("drop extension amcheck")
        outcome = await amcheck(Command("a", "a", "", Effect.READ))
        assert "CREATE EXTENSION amcheck" in outcome.summary
    world.run("create role reader login password 'reader-word'")
    reader = world.postgres.url_for("postgres", "reader", "reader-word")
    async with opened(world, damage_url=reader) as connection:
        outcome = await connection.runs["damage.copy"](
            Command("s", "s", "", Effect.READ, args={"to": str(tmp_path / "denied")})
        )
    tables = json.loads(outcome.output)["tables"]
    assert all("permission denied" in table["refused"] for table in tables)
    assert outcome.exit_code == 3


@pytest.mark.skipif(not (FIFTEEN / "bin/postgres").exists(), reason="no postgresql-15 is installed")
async def test_on_postgres_15_which_has_no_checksums_unless_asked(made: Made, tmp_path: Path) -> None:
    world = made(install=FIFTEEN, shared_preload_libraries="")
    code, found = await asked(world, "damage.list")
    assert (code, found["damaged"], found["checksums"]) == (0, [], False)
    world.harm("orders", 7, 0, GARBAGE[:64])
    code, found = await asked(world, "damage.list")
    assert [c["object"]["id"] for c in found["causes"]] == ["orders"]
    code, told = await asked(world, "damage.copy", to=str(tmp_path / "copy"))
    assert {t["table"]: [lost["pages"] for lost in t["unreadable_pages"]] for t in told["tables"]} == {
        "public.files": [], "public.orders": [[7, 7]], "public.people": [],
    }  # fmt: skip

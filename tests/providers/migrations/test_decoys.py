"""What looks like a half-applied migration and is none; files that are hostile, broken, or very many."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from tests.providers.migrations.by_us import NICK, USERS, Shop

from hutch.model.action import Result, Verified
from hutch.model.finding import Status

DATA = Path(__file__).parent / "hostile_names.txt"


async def begun(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    assert (await shop.does("migrate.up"))[1].result is Result.DONE


@pytest.mark.parametrize(
    "text",
    [
        "-- CREATE TABLE users (id int);\n/* ALTER TABLE users ADD COLUMN nick text; */",
        "CREATE TABLE IF NOT EXISTS users (id int);",
        "CREATE OR REPLACE VIEW pg_catalog.nothing AS SELECT 1;",
        "CREATE TABLE users (id int);",
        "ALTER TABLE users ADD COLUMN nick text;",
        "DROP INDEX users_nick; CREATE INDEX users_nick ON users (nick, id);",
        "ALTER TABLE users DROP COLUMN nick; ALTER TABLE users ADD COLUMN nick int;",
        "ALTER TABLE users ALTER COLUMN email SET NOT NULL;",
        "DROP TABLE IF EXISTS long_gone;",
        "ALTER TABLE users RENAME COLUMN nick TO nickname;",
        "UPDATE users SET nick = 'CREATE TABLE users (id int);';",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE users (id int)'; END $$;",
        "SELECT $x$ ALTER TABLE users ADD COLUMN nick text; $x$;",
        "CREATE TEMP TABLE users (id int);",
        'CREATE TABLE "Users" (id int); ALTER TABLE "Users" ADD COLUMN "Nick" text;',
    ],
)
async def test_a_pending_one_of_which_nothing_proves_anything(shop: Shop, text: str) -> None:
    await begun(shop)
    shop.write("003_next.sql", f"-- migrate:up\n{text}\n-- migrate:down\n")
    finding, causes = await shop.looked()
    assert (finding.status, causes) == (Status.WARN, []), finding.summary
    assert "1 pending: 003" in finding.summary


async def test_what_a_later_migration_renamed_and_dropped_is_not_missing(shop: Shop) -> None:
    """The mark of 002 was lost; 003 and 004, applied, renamed its table and column and dropped its index."""
    shop.write("001_users.sql", USERS)
    made = "CREATE TABLE pets (id int, name text);\nCREATE INDEX pets_name ON pets (name);\n"
    shop.write("002_pets.sql", f"-- migrate:up\n{made}CREATE INDEX pets_id ON pets (id);\n-- migrate:down\n")
    shop.write("003_animals.sql", "-- migrate:up\nALTER TABLE pets RENAME TO animals;\n"
               "ALTER TABLE animals RENAME COLUMN name TO called;\n-- migrate:down\n")  # fmt: skip
    shop.write("004_drop.sql", "-- migrate:up\nDROP INDEX pets_name;\n-- migrate:down\n")
    await shop.does("migrate.up")
    shop.sql("delete from schema_migrations where version = '002'")
    _, [cause] = await shop.looked()
    evidence = "\n".join(cause.evidence)
    assert "there: index pets_id, table animals" in evidence
    assert "missing" not in evidence
    assert [r.action for r in cause.remedies] == ["migrate.mark", "migrate.up"]
    _, outcome, verified = await shop.does("migrate.mark", cause.remedies[0].args)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    assert shop.versions() == ["001", "002", "003", "004"]
    _, outcome, verified = await shop.does(outcome.undo["action"], outcome.undo["args"])
    assert (outcome.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, ["001", "003", "004"])


async def test_a_dropped_object_of_a_half_applied_one_counts(shop: Shop) -> None:
    await begun(shop)
    shop.write("003_drop.sql", "-- migrate:up transaction:false\nDROP INDEX CONCURRENTLY users_nick;\n"
               "ALTER TABLE users DROP COLUMN nick;\n-- migrate:down\n")  # fmt: skip
    shop.sql("drop index users_nick")
    _, [cause] = await shop.looked()
    assert "there: index users_nick dropped" in cause.evidence
    assert "missing: column users.nick dropped" in cause.evidence
    assert "by hand: ALTER TABLE users DROP COLUMN IF EXISTS nick;" in cause.evidence
    assert "by hand: DROP INDEX CONCURRENTLY users_nick;" not in cause.evidence


async def test_a_half_applied_one_is_taken_back_as_far_as_it_is_there(shop: Shop) -> None:
    await begun(shop)
    shop.write("003_two.sql", "-- migrate:up transaction:false\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"
               "-- migrate:down\nDROP TABLE b;\nDROP TABLE a;\n")  # fmt: skip
    shop.sql("create table a (id int)")
    preview, outcome, verified = await shop.does("migrate.down")
    assert "003: drops table b; 003: drops table a" in preview.summary
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    assert shop.sql("select to_regclass('a')::text") == [(None,)]
    assert (await shop.looked())[1] == []


async def test_what_a_half_applied_one_had_dropped_comes_back_with_its_way_down(shop: Shop) -> None:
    await begun(shop)
    shop.write("003_drop.sql", "-- migrate:up transaction:false\nDROP INDEX CONCURRENTLY users_nick;\n"
               "ALTER TABLE users DROP COLUMN nick;\n-- migrate:down\nALTER TABLE users ADD COLUMN nick text;\n"
               "CREATE INDEX users_nick ON users (nick);\n")  # fmt: skip
    shop.sql("drop index users_nick")
    _, outcome, verified = await shop.does("migrate.down")
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED), outcome
    assert shop.sql("select to_regclass('users_nick')::text") == [("users_nick",)]
    assert shop.versions() == ["001", "002"]


# ------------------------------------------------------------------ names and files


async def test_hostile_names_are_left_alone_and_shown_harmlessly(shop: Shop) -> None:
    await begun(shop)
    names = [name.encode().decode("unicode_escape") for name in DATA.read_text().splitlines() if name]
    for name in names:
        (shop.folder / name).write_text("-- migrate:up\nCREATE TABLE gotcha (id int);\n-- migrate:down\n")
    os.mkfifo(shop.folder / "900_fifo.sql")
    (shop.folder / "901_folder.sql").mkdir()
    (shop.folder / "902_endless.sql").symlink_to("/dev/zero")
    finding, causes = await shop.looked()
    told = "\n".join(finding.evidence)
    assert (causes, finding.data["pending"]) == ([], [])
    assert f"{len(names) + 3} files are left out, their names are no version and name" in told
    assert told.isprintable() or set(told) - {"\n"} == {c for c in told if c.isprintable()}
    assert (await shop.does("migrate.up"))[1].hits == 0
    assert shop.sql("select to_regclass('gotcha')::text") == [(None,)]


async def test_hostile_names_inside_a_file_are_names(shop: Shop) -> None:
    await begun(shop)
    shop.write(
        "003_x.sql",
        """-- migrate:up transaction:false
CREATE TABLE "a; drop table users; --" (id int, "b""); drop table users; --" int);
CREATE INDEX "i'); select pg_sleep(60); --" ON "a; drop table users; --" (id);
CREATE TABLE a.b.c.d (id int);
-- migrate:down
""",
    )
    shop.sql('create table "a; drop table users; --" (id int)')
    _, [cause] = await shop.looked()
    for line in [text.removeprefix("by hand: ") for text in cause.evidence if text.startswith("by hand: ALTER")]:
        shop.sql(line)
    assert shop.sql("select count(*) from users") == [(0,)]
    assert 'ADD COLUMN IF NOT EXISTS "b""); drop table users; --" int;' in "\n".join(cause.evidence)


@pytest.mark.parametrize("size", [300_000, 1_500_000])
async def test_a_file_that_is_too_long_is_told_and_not_compared(shop: Shop, size: int) -> None:
    await begun(shop)
    shop.write("003_long.sql", "-- migrate:up\n" + "SELECT 1; " * (size // 10))
    started = time.monotonic()
    finding, causes = await shop.looked()
    assert (causes, time.monotonic() - started < 5) == ([], True)
    assert any("003 long: it has" in line for line in finding.evidence)
    assert "that are read" in (await shop.does("migrate.up"))[0].refused


async def test_two_files_of_one_version_are_told_and_nothing_runs(shop: Shop) -> None:
    await begun(shop)
    for name in ("003_a", "003_b"):
        shop.write(f"{name}.sql", f"-- migrate:up\nCREATE TABLE t_{name} (id int);\n-- migrate:down\n")
    preview, outcome, _ = await shop.does("migrate.up")
    assert (preview.refused, outcome.result) == ("version 003 is used twice: a and b", Result.FAILED)


@pytest.mark.parametrize("by_hutch", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_a_thousand_migrations(shop: Shop, by_hutch: bool) -> None:
    """Looked at within seconds, with a half-applied one among them found; and applied in one go."""
    for number in range(1, 1001):
        shop.write(
            f"{number:04d}_step.sql",
            f"-- migrate:up\nCREATE TABLE t{number} (id int PRIMARY KEY, name text);\n"
            f"CREATE INDEX t{number}_name ON t{number} (name);\n-- migrate:down\nDROP TABLE t{number};\n",
        )
    if by_hutch:
        _, outcome, verified = await shop.does("migrate.up")
        assert (outcome.result, outcome.hits, verified.verdict) == (Result.DONE, 1000, Verified.PASSED)
    else:
        shop.sql("create table schema_migrations (version varchar(128) primary key)")
        shop.sql("insert into schema_migrations select lpad(n::text, 4, '0') from generate_series(1, 1000) n")
        shop.sql("create table t500 (id int, name text); create table t700 (id int, name text)")
        shop.sql("create index t700_name on t700 (name)")
    shop.sql("drop index if exists t500_name; delete from schema_migrations where version in ('0500', '0700')")
    started = time.monotonic()
    _, causes = await shop.looked()
    took = time.monotonic() - started
    assert [c.object.id for c in causes] == ["0500", "0700"]
    assert "missing: index t500_name" in causes[0].evidence
    assert took < 10, took
    status = json.loads((await shop.reads("migrate.status", {"form": "json"})).output)
    assert (len(status["applied"]), [h["version"] for h in status["half_applied"]]) == (998, ["0500", "0700"])

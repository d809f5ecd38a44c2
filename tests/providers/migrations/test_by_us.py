"""Files of SQL that Hutch runs itself, in the tool's place, on a real database."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.providers.migrations.by_us import ALONE, NICK, USERS, Shop

from hutch.model.action import Result, Verified
from wire import wired


async def test_up_applies_what_is_due_with_its_marks(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    preview, outcome, verified = await shop.does("migrate.up")
    assert (preview.hits, preview.refused) == (2, "")
    assert "  CREATE INDEX users_nick ON users (nick);" in preview.items
    assert (outcome.result, outcome.hits, verified.verdict) == (Result.DONE, 2, Verified.PASSED)
    assert shop.versions() == ["001", "002"]
    assert outcome.undo == {"action": "migrate.down", "args": {"versions": ["002", "001"]}}
    again = (await shop.does("migrate.up"))[1]
    assert (again.result, again.hits) == (Result.DONE, 0)


async def test_down_is_undone_by_up(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    await shop.does("migrate.up")
    preview, outcome, verified = await shop.does("migrate.down", {"steps": 1})
    assert "loses data: 002: drops column users.nick" in preview.summary
    assert (outcome.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, ["001"])
    assert shop.sql("select to_regclass('users_nick')::text") == [(None,)]
    _, back, verified = await shop.does(outcome.undo["action"], outcome.undo["args"])
    assert (back.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, ["001", "002"])


async def test_only_the_last_ones_go_back(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    await shop.does("migrate.up")
    preview, outcome, _ = await shop.does("migrate.down", {"versions": ["001"]})
    assert preview.refused == "only the last ones can be taken back: the last applied are 002"
    assert outcome.result is Result.FAILED
    assert shop.versions() == ["001", "002"]
    _, both, _ = await shop.does("migrate.down", {"steps": 2})
    assert (both.result, shop.versions()) == (Result.DONE, [])


async def test_a_failing_migration_leaves_nothing_and_those_before_it_stand(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_bad.sql", "-- migrate:up\nCREATE TABLE half (id int);\nSELECT 1/0;\n-- migrate:down\n")
    _, outcome, verified = await shop.does("migrate.up")
    assert (outcome.result, outcome.hits, verified.verdict) == (Result.FAILED, 1, Verified.FAILED)
    assert "002 bad, statement 2 of 2: division by zero; it was rolled back; applied 001; 1 left" in outcome.summary
    assert (shop.versions(), shop.sql("select to_regclass('half')::text")) == (["001"], [(None,)])
    finding, causes = await shop.looked()
    assert causes == []
    assert "1 pending: 002" in finding.summary


async def test_one_without_a_transaction_that_stops_is_found_and_finished(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.sql("insert into users values (1, 'a'), (2, 'a')")
    shop.write("002_alone.sql", ALONE)
    _, outcome, _ = await shop.does("migrate.up")
    assert "002 alone, statement 2 of 3" in outcome.summary
    _, [cause] = await shop.looked()
    assert (cause.code, cause.object.id) == ("migration.failed", "002")
    by_hand = [line.removeprefix("by hand: ") for line in cause.evidence if line.startswith("by hand")]
    assert by_hand == [
        "DROP INDEX CONCURRENTLY users_email;",
        "CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);",
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS town text;",
        "INSERT INTO schema_migrations (version) VALUES ('002');",
    ]
    shop.sql("delete from users")
    remedy = cause.remedies[0]
    preview, outcome, verified = await shop.does(remedy.action, remedy.args)
    assert "ADD COLUMN age" not in "\n".join(preview.items)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    assert shop.sql("select indisvalid from pg_index where indexrelid = 'users_email'::regclass") == [(True,)]
    assert await causes_of(shop) == []


async def test_the_statements_given_by_hand_finish_it(shop: Shop) -> None:
    """Each of them is run as it is proposed, and nothing is left."""
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.sql("create table towns (id int primary key); create type mood as enum ('ok')")
    shop.write(
        "002_more.sql",
        """-- migrate:up transaction:false
ALTER TABLE users ADD COLUMN a int /* one; */, ADD COLUMN town int DEFAULT 7, -- two
    ADD CONSTRAINT lives FOREIGN KEY (town) REFERENCES towns (id), ADD CONSTRAINT old CHECK (a > 0), DROP COLUMN email;
CREATE TABLE pets (id int PRIMARY KEY, name text DEFAULT 'it''s;  two', CONSTRAINT named CHECK (name <> ''));
CREATE INDEX pets_name ON pets (name);
CREATE INDEX users_a ON users (a);
ALTER TYPE mood ADD VALUE 'sad';
CREATE SCHEMA extra;
CREATE VIEW extra.all_pets AS SELECT * FROM pets;
ALTER TABLE towns RENAME TO places;
-- migrate:down
""",
    )
    shop.sql("alter table users add column a int; create table pets (id int primary key)")
    _, [cause] = await shop.looked()
    lines = [line.removeprefix("by hand: ") for line in cause.evidence if line.startswith("by hand")]
    assert "CREATE INDEX CONCURRENTLY users_a ON users (a);" in lines
    assert "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad';" in lines
    assert "ALTER TABLE pets ADD COLUMN IF NOT EXISTS name text DEFAULT 'it''s;  two';" in lines
    assert any(line.endswith("NOT VALID;") for line in lines)
    for line in lines:
        shop.sql(line)
    assert await causes_of(shop) == []
    assert shop.versions() == ["001", "002"]


async def test_in_doubt_it_is_left_to_a_person(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.write(
        "002_fill.sql",
        "-- migrate:up transaction:false\nALTER TABLE users ADD COLUMN n int;\n"
        "UPDATE users SET n = coalesce(n, 0) + 1;\nALTER TABLE users ADD COLUMN m int;\n-- migrate:down\n",
    )
    shop.sql("alter table users add column n int")
    preview, outcome, _ = await shop.does("migrate.up")
    assert "it can't be told whether this ran: UPDATE users SET n = coalesce(n, 0) + 1" in preview.refused
    assert outcome.result is Result.FAILED
    _, [cause] = await shop.looked()
    assert any("-- can't be told from the schema whether this ran: UPDATE users" in line for line in cause.evidence)


async def causes_of(shop: Shop) -> list[Any]:
    return (await shop.looked())[1]


# ------------------------------------------------------------------ locks, and others at work


async def test_a_lock_that_is_not_to_be_had_is_tried_again_and_given_up(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.write("002_nick.sql", NICK)
    with psycopg.connect(shop.owner) as holder:
        holder.execute("lock table users in access share mode")
        started = time.monotonic()
        _, outcome, _ = await shop.does("migrate.up", tries=2)
        took = time.monotonic() - started
        assert "canceling statement due to lock timeout, 2 tries; it was rolled back" in outcome.summary
        assert (outcome.result, outcome.recoverable, took < 6) == (Result.FAILED, True, True)
        threading.Timer(0.6, holder.rollback).start()
        _, outcome, verified = await shop.does("migrate.up", tries=5)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)


async def test_two_at_once_one_works_and_one_is_refused(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_slow.sql", "-- migrate:up\nSELECT pg_sleep(1);\nCREATE TABLE slow (id int);\n-- migrate:down\n")
    async with shop.opened() as first, shop.opened() as second:
        outcomes = await asyncio.gather(first.actions["migrate.up"].apply({}), second.actions["migrate.up"].apply({}))
        verified = await second.actions["migrate.up"].verify({})
    by_result = {o.result: o for o in outcomes}
    assert set(by_result) == {Result.DONE, Result.FAILED}
    refused = by_result[Result.FAILED]
    assert refused.summary.startswith("refused: another migration is running (session ")
    assert (refused.recoverable, verified.verdict) == (True, Verified.PASSED)
    assert shop.versions() == ["001", "002"]


async def test_the_tool_s_own_lock_is_heeded(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    with psycopg.connect(shop.owner, application_name="deploy") as tool:
        tool.execute("select pg_advisory_lock(4711)")
        _, outcome, _ = await shop.does("migrate.up", lock_key=4711)
    assert (outcome.result, "another migration is running" in outcome.summary) == (Result.FAILED, True)


async def test_our_own_run_is_no_trouble_to_who_looks_meanwhile(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.write(
        "002_slow.sql",
        "-- migrate:up transaction:false\nALTER TABLE users ADD COLUMN a int;\nSELECT pg_sleep(1.5);\n"
        "ALTER TABLE users ADD COLUMN b int;\n-- migrate:down\n",
    )
    async with shop.opened() as connection:
        running = asyncio.create_task(connection.actions["migrate.up"].apply({}))
        await asyncio.sleep(0.7)
        finding, causes = await shop.looked()
        outcome = await running
    assert (finding.status.value, causes, outcome.result) == ("ok", [], Result.DONE)
    assert any("hutch-migrate" in line for line in finding.evidence)


@pytest.mark.parametrize("alone", [False, True], ids=["in a transaction", "statement by statement"])
async def test_the_connection_is_ended_in_the_middle(shop: Shop, alone: bool) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    option = " transaction:false" if alone else ""
    steps = "ALTER TABLE users ADD COLUMN a int;\nSELECT pg_sleep(20);\nALTER TABLE users ADD COLUMN b int;\n"
    path = shop.write("002_slow.sql", f"-- migrate:up{option}\n{steps}-- migrate:down\n")
    async with shop.opened() as connection:
        up = connection.actions["migrate.up"]
        running = asyncio.create_task(up.apply({}))
        for _ in range(200):
            await asyncio.sleep(0.02)
            ended = shop.sql(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'SELECT pg_sleep%'"
            )
            if ended:
                break
        outcome, verified = await running, await up.verify({})
    assert (outcome.result, verified.verdict) == (Result.UNKNOWN, Verified.FAILED)
    assert "the connection was lost" in outcome.summary
    assert shop.versions() == ["001"]
    assert len(await causes_of(shop)) == (1 if alone else 0)
    path.write_text(path.read_text().replace("SELECT pg_sleep(20);\n", ""))
    _, outcome, verified = await shop.does("migrate.up")
    assert (outcome.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, ["001", "002"])


APPLIES = """
import asyncio, json, sys
from datetime import UTC, datetime
from hutch.ports import TargetConfig
from hutch.providers.migrations import provider
connection = provider.open(TargetConfig("shop", json.loads(sys.stdin.readline()), lambda: datetime.now(UTC)))
asyncio.run(connection.actions["migrate.up"].apply({}))
"""


async def test_killed_in_the_middle_of_one_without_a_transaction(shop: Shop) -> None:
    """kill -9 while a statement waits: the server still does that one, and nothing after it; up finishes the rest."""
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.write("002_alone.sql", ALONE)
    waits = (
        "select count(*) = 1 from pg_stat_activity where application_name = 'hutch-migrate' and wait_event = 'relation'"
    )
    gone = "select count(*) = 0 from pg_stat_activity where application_name = 'hutch-migrate'"
    with psycopg.connect(shop.owner) as holder:
        holder.execute("lock table users in access share mode")
        process = subprocess.Popen([sys.executable, "-c", APPLIES], stdin=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(shop.settings(lock_timeout=30.0)) + "\n")
        process.stdin.flush()
        try:
            await until(shop, waits)
        finally:
            process.kill()
            process.communicate()
        assert (await shop.looked())[1] == []
    await until(shop, gone)
    _, [cause] = await shop.looked()
    assert "there: column users.age" in cause.evidence
    _, outcome, verified = await shop.does("migrate.up")
    assert (outcome.result, verified.verdict, shop.versions()) == (Result.DONE, Verified.PASSED, ["001", "002"])


async def until(shop: Shop, condition: str) -> None:
    deadline = time.monotonic() + 30
    while shop.sql(condition) != [(True,)]:
        assert time.monotonic() < deadline, condition
        await asyncio.sleep(0.02)


# ------------------------------------------------------------------ what was shown is what runs


async def test_an_edited_file_is_refused(shop: Shop) -> None:
    shop.write("001_users.sql", USERS)
    plan = (await shop.reads("migrate.plan", {"way": "up"})).output
    digest = plan.split('"digest": "')[1].split('"')[0]
    args = {"versions": ["001"], "digest": digest}
    shop.write("001_users.sql", USERS.replace("email text NOT NULL", "email text"))
    _, outcome, _ = await shop.does("migrate.up", args)
    assert "the files or the schema are not as they were when it was shown" in outcome.summary
    shop.write("001_users.sql", USERS)
    assert (await shop.does("migrate.up", args))[1].result is Result.DONE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- migrate:up\nBEGIN; CREATE TABLE x (id int); COMMIT;", "it begins or ends transactions itself"),
        ("CREATE TABLE x (id int);", "it has no `-- migrate:up`"),
        ("-- migrate:up\nCREATE TABLE x (id int, name te", "a parenthesis is opened and never closed"),
        ("-- migrate:up\nINSERT INTO x VALUES ('abc", "a quote or a comment is opened and never closed"),
        ("-- migrate:up\nDO $$ BEGIN PERFORM 1;", "a quote or a comment is opened and never closed"),
        ("", "it is empty"),
        ("-- migrate:up\nSELECT 1;\x00", "it holds a null byte"),
    ],
)
async def test_a_file_that_can_not_be_run_is_refused_with_the_reason(shop: Shop, text: str, said: str) -> None:
    shop.write("001_users.sql", USERS)
    await shop.does("migrate.up")
    shop.write("002_x.sql", text)
    preview, outcome, _ = await shop.does("migrate.up")
    assert preview.refused.startswith("002 x: ")
    assert said in preview.refused
    assert outcome.result is Result.FAILED
    assert await causes_of(shop) == []


async def test_a_table_of_another_tool_is_left_to_it(shop: Shop) -> None:
    shop.sql("create table schema_migrations (version bigint, dirty boolean)")
    shop.write("001_users.sql", USERS)
    preview, outcome, _ = await shop.does("migrate.up")
    assert "the rows of this tool's table are its own" in preview.refused
    assert outcome.result is Result.FAILED


# ------------------------------------------------------------------ a proxy that stops passing bytes


@pytest.mark.parametrize(
    ("word", "forwarded", "result"),
    [
        (b"COMMIT", True, Result.UNKNOWN),
        pytest.param(b"COMMIT", False, Result.UNKNOWN, marks=pytest.mark.slow),
        pytest.param(b"advisory", False, Result.FAILED, marks=pytest.mark.slow),
    ],
)
async def test_a_mark_whose_answer_never_comes_is_looked_up(
    shop: Shop, word: bytes, forwarded: bool, result: Result
) -> None:
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    await shop.does("migrate.up", {})
    shop.sql("delete from schema_migrations where version = '002'")
    port = int(conninfo_to_dict(shop.owner)["port"] or 0)
    with wired(port, word, forwarded=forwarded, silent=True) as (wire, near):
        owner = make_conninfo("", **{**conninfo_to_dict(shop.owner), "host": "127.0.0.1", "port": near})  # type: ignore[arg-type]
        async with asyncio.timeout(60):
            _, outcome, verified = await shop.does(
                "migrate.mark", {"version": "002"}, owner_url=owner, command_timeout=3.0
            )
    assert (outcome.result, wire.stalls, "no answer within" in outcome.summary) == (result, 1, True), outcome
    assert verified.verdict is (Verified.PASSED if forwarded else Verified.FAILED)
    assert ("002" in shop.versions()) == forwarded

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect


async def run(target: Any, text: str, effect: Effect = Effect.READ, **more: Any) -> Outcome:
    settings = more.pop("settings", {})
    runner = more.pop("runner", "sql")
    async with target(**settings) as connection:
        outcome: Outcome = await connection.runs[runner](Command(runner, text, "postgres", effect, **more))
        return outcome


async def test_a_read_shows_its_rows_as_psql_does(target: Any) -> None:
    outcome = await run(target, "select id, title from portfolios where id <= %s order by id", params=("2",))
    assert outcome.result is Result.DONE
    assert outcome.output.splitlines() == [
        " id | title",
        "----+-------------",
        " 1  | portfolio 1",
        " 2  | portfolio 2",
        "(2 rows)",
    ]


async def test_values_are_shown_as_the_server_writes_them(target: Any) -> None:
    outcome = await run(target, "select 'infinity'::date as a, '100 years BC'::text, array[1,null], null as n, 5 % 3")
    assert "infinity" in outcome.output
    assert "{1,NULL}" in outcome.output
    assert outcome.output.splitlines()[2].endswith("|   | 2")


@pytest.mark.parametrize(
    "text",
    [
        "insert into portfolios values (5000, 'x')",
        "delete from portfolios",
        "create table t ()",
        "drop table portfolios",
    ],
)
async def test_a_read_can_not_write_even_as_a_superuser(server: Any, target: Any, text: str) -> None:
    outcome = await run(target, text, settings={"url": server.postgres.url})
    assert outcome.result is Result.FAILED
    assert "read-only transaction" in outcome.summary
    assert rows(server) == 1000


def rows(server: Any) -> int:
    with psycopg.connect(server.postgres.url) as admin:
        row = admin.execute("select count(*) from portfolios").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("effect", [Effect.READ, Effect.CHANGE])
async def test_a_second_statement_never_runs(server: Any, target: Any, effect: Effect) -> None:
    settings = {"url": server.postgres.url, "operator_url": server.postgres.url}
    outcome = await run(target, "commit; create table escaped (id int)", effect, settings=settings)
    assert outcome.result is Result.FAILED
    assert "more than one statement" in outcome.summary
    with psycopg.connect(server.postgres.url) as admin:
        assert admin.execute("select to_regclass('escaped')").fetchone() == (None,)


async def test_a_lone_commit_leaves_the_next_read_read_only(server: Any, target: Any) -> None:
    async with target(url=server.postgres.url) as connection:
        for text in ("commit", "set session characteristics as transaction read write", "set transaction read write"):
            await connection.runs["sql"](Command("sql", text, "postgres", Effect.READ))
        outcome = await connection.runs["sql"](Command("sql", "create table t ()", "postgres", Effect.READ))
    assert (outcome.result, "read-only" in outcome.summary) == (Result.FAILED, True)


async def test_many_rows_are_cut(target: Any) -> None:
    async with target() as connection:
        big = Command("sql", "select generate_series(1, 3000000) as n", "postgres", Effect.READ)
        cut = await connection.runs["sql"](big)
        after = await connection.runs["sql"](Command("sql", "select 1 as one", "postgres", Effect.READ))
    assert cut.output.endswith("(200 rows, there are more)")
    assert after.output.endswith("(1 row)")


async def test_a_read_that_takes_too_long_is_stopped(target: Any) -> None:
    outcome = await run(target, "select pg_sleep(20)", timeout=0.3)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert "statement timeout" in outcome.summary
    assert outcome.seconds < 5


async def test_a_changing_statement_is_run_by_the_operator(server: Any, target: Any) -> None:
    settings = {"operator_url": server.url("app")}
    text = "update portfolios set title = %s where id = %s"
    outcome = await run(target, text, Effect.CHANGE, settings=settings, params=("100 % new; drop table x", "3"))
    assert (outcome.result, outcome.hits, outcome.summary) == (Result.DONE, 1, "UPDATE 1")
    shown = await run(target, "select title from portfolios where id = 3 and title like '100 %'")
    assert "100 % new; drop table x" in shown.output


async def test_a_change_that_runs_outside_transactions_can(server: Any, target: Any) -> None:
    settings = {"operator_url": server.postgres.url}
    text = "create index concurrently portfolios_title on portfolios (title)"
    assert (await run(target, text, Effect.CHANGE, settings=settings)).result is Result.DONE
    assert "portfolios_title" in (await run(target, r"\di", runner="psql")).output


async def test_a_change_does_not_wait_long_for_a_lock(server: Any, target: Any) -> None:
    with server.connect() as holder:
        holder.execute("update portfolios set title = title where id = 1")
        settings = {"operator_url": server.url("app"), "lock_timeout": 0.2}
        outcome = await run(target, "delete from portfolios where id = 1", Effect.DESTROY, settings=settings)
        holder.rollback()
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
    assert "lock timeout" in outcome.summary


async def test_a_change_whose_connection_breaks_is_unknown(server: Any, target: Any) -> None:
    async with target(operator_url=server.url("app")) as connection:
        command = Command("sql", "select pg_sleep(20), 'marked'", "postgres", Effect.CHANGE)
        running = asyncio.create_task(connection.runs["sql"](command))
        with psycopg.connect(server.postgres.url, autocommit=True) as admin:
            ended = None
            while ended is None:
                await asyncio.sleep(0.1)
                ended = admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where query like '%%marked%%' and usename = 'app' and state = 'active'"
                ).fetchone()
        outcome = await running
    assert outcome.result is Result.UNKNOWN
    assert "connection lost" in outcome.summary


async def test_changes_need_an_operator(target: Any) -> None:
    outcome = await run(target, "delete from portfolios", Effect.CHANGE, settings={"operator_url": None})
    assert (outcome.result, "operator_url" in outcome.summary) == (Result.FAILED, True)


async def test_an_operator_that_can_not_connect_has_plainly_failed(server: Any, target: Any) -> None:
    settings = {"operator_url": "postgresql://app:hidden-word@127.0.0.1:1/postgres"}
    outcome = await run(target, "delete from portfolios", Effect.CHANGE, settings=settings)
    assert outcome.result is Result.FAILED
    assert "hidden-word" not in outcome.summary


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\dt", "portfolios"),
        (r"\dt port*", "portfolios"),
        (r"\dt+ public.portfolios", "portfolios"),
        (r"\d portfolios", "integer"),
        (r"\d portfolios", "portfolios_pkey"),
        (r"\l", "template1"),
        (r"\du", "watcher"),
        (r"\dn", "public"),
        (r"\di", "portfolios_pkey"),
        ("select 40 + 2 as answer", "42"),
    ],
)
async def test_psql_s_own_commands(target: Any, text: str, shown: str) -> None:
    outcome = await run(target, f'psql -c "{text}"', runner="psql", args={"sql": text})
    assert (outcome.result, shown in outcome.output) == (Result.DONE, True)


@pytest.mark.parametrize("text", [r"\! id", r"\copy portfolios to '/tmp/x'", r"\dt a b", "\\", r"\gexec"])
async def test_other_backslash_commands_are_refused(target: Any, text: str) -> None:
    outcome = await run(target, text, runner="psql")
    assert (outcome.result, "backslash commands known here" in outcome.summary) == (Result.FAILED, True)


async def test_describing_what_there_is_not_says_so(target: Any) -> None:
    outcome = await run(target, r"\d nothing_here", runner="psql")
    assert (outcome.result, "nothing_here" in outcome.summary) == (Result.FAILED, True)

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Cause, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider

TABLE = '''
create extension if not exists pg_stat_statements;
grant create on schema public to postgres_owner;
drop table if exists visits;
create table visits (
    id int primary key, user_id int, mail varchar(100), kind text, "at ""noon""" timestamptz default now()
);
insert into visits select n, n % 20000, 'u' || n || '@example.org', 'kind ' || n % 5 from generate_series(1, 60000) n;
alter table visits owner to postgres_owner;
grant select on visits to app, watcher;
analyze visits;
'''
LOOKUP = "select * from visits where user_id = %s"
EAGER = {"slow_statement_after": 0.5, "statement_load": 2.0, "index_lock_timeout": 2.0}


@pytest.fixture(autouse=True)
def visits(server: Any) -> Iterator[psycopg.Connection]:
    """A table that is large enough, without an index on what it is looked up by; the superuser's session."""
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute(TABLE)
        yield admin


@contextmanager
def asked(server: Any, statements: Sequence[str], sessions: int = 2) -> Iterator[None]:
    """Sessions of the service that ask these statements over and over."""
    stop = threading.Event()

    def ask(session: psycopg.Connection) -> None:
        while not stop.wait(0.002):
            for statement in statements:
                session.execute(statement.encode(), [7] if "%s" in statement else None)

    with ExitStack() as stack:
        opened = [stack.enter_context(server.connect(autocommit=True)) for _ in range(sessions)]
        threads = [threading.Thread(target=ask, args=[session]) for session in opened]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


async def causes(connection: Connection) -> list[Cause]:
    names = ("connections", "locks", "long_queries", "missing_indexes", "invalid_indexes")
    findings = await asyncio.gather(*(connection.checks[f"postgres.{name}"]() for name in names))
    assert {f.status for f in findings} <= {Status.OK, Status.WARN}, findings
    return list(provider.explain(list(findings)))


def owned(server: Any) -> dict[str, Any]:
    return {"owner_url": server.url("postgres_owner"), **EAGER}


async def test_the_missing_index_is_named_made_and_used(server: Any, target: Any) -> None:
    with asked(server, [LOOKUP, "select count(*) from portfolios where title = 'private'"]):
        async with target(**owned(server)) as connection:
            [cause] = await causes(connection)
            action, args = connection.actions["postgres.create_index"], cause.remedies[0].args
            before = await action.verify(args)
            preview = await action.preview(args)
            outcome = await action.apply(args)
            verified = await action.verify(args)
            again = await action.apply(args)
            after = await causes(connection)
            undone = await connection.actions["postgres.drop_index"].apply(outcome.undo["args"])  # type: ignore[arg-type]
            gone = await action.verify(args)
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.missing_index", "table", "visits")
    assert (cause.object.detail["columns"], cause.remedies[0].action) == (["user_id"], "postgres.create_index")
    assert cause.object.detail["statement"] == args["statement"]
    assert preview.summary.startswith('CREATE INDEX CONCURRENTLY "hutch_visits_user_id_')
    assert "DROP INDEX CONCURRENTLY" in preview.undo and "60000 rows" in preview.items[0]
    assert (preview.hits, preview.refused) == (1, "")
    assert (before.verdict, outcome.result, outcome.hits) == (Verified.FAILED, Result.DONE, 1)
    assert verified.verdict is Verified.PASSED
    assert any("reads it" in line for line in verified.evidence)
    assert (again.result, again.hits, after) == (Result.DONE, 0, [])
    assert (undone.result, gone.verdict) == (Result.DONE, Verified.FAILED)


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("select * from visits where lower(mail) = lower('U5@example.org')", ["lower(mail)"]),
        ("select * from visits where mail = 'u5@example.org'", ["mail"]),
        (
            'select * from visits where user_id = 5 order by "at ""noon""" desc limit 3',
            ["user_id", 'at "noon"'],
        ),
        ("select id from visits where user_id = 3 and kind > 'kind 3'", ["user_id", "kind"]),
    ],
)
async def test_the_columns_follow_the_plan(server: Any, target: Any, statement: str, columns: list[str]) -> None:
    with asked(server, [statement]):
        async with target(**owned(server)) as connection:
            [cause] = await causes(connection)
            action, args = connection.actions["postgres.create_index"], cause.remedies[0].args
            outcome = await action.apply(args)
            verified = await action.verify(args)
    assert cause.object.detail["columns"] == columns
    assert "example.org" not in repr(cause)
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)


async def test_scans_that_are_right_are_no_cause(server: Any, target: Any) -> None:
    unselective = "select count(*) from visits where kind = 'kind 1'"
    small = "select * from portfolios where title = 'portfolio 5'"
    own_columns = "select count(*) from visits where user_id = id"
    with asked(server, [unselective, small, own_columns, "select count(*), kind from visits group by kind"]):
        async with target(**owned(server)) as connection:
            assert await causes(connection) == []


async def test_one_big_report_is_no_cause(server: Any, target: Any) -> None:
    with server.connect(application="quarterly-report", autocommit=True) as session:
        report = threading.Thread(
            target=session.execute, args=[b"select pg_sleep(3), count(*) from visits where user_id = 5"]
        )
        report.start()
        await asyncio.sleep(0.5)
        async with target(**owned(server)) as connection:
            found = await causes(connection)
        report.join()
    assert found == []


async def test_without_the_owners_login_the_index_is_refused(server: Any, target: Any) -> None:
    args = {"table": "visits", "columns": ["user_id"]}
    async with target(**EAGER) as connection:
        action = connection.actions["postgres.create_index"]
        preview, outcome = await action.preview(args), await action.apply(args)
    assert "owner_url" in preview.refused and "postgres_owner" in preview.refused
    assert (outcome.result, "owner_url" in outcome.summary) == (Result.FAILED, True)


async def test_an_operator_that_is_a_member_of_the_owner_needs_no_other_login(
    server: Any, target: Any, visits: Any
) -> None:
    visits.execute("grant postgres_owner to operator")
    async with target(**EAGER) as connection:
        action, args = connection.actions["postgres.create_index"], {"table": "visits", "columns": ["user_id"]}
        outcome, verified = await action.apply(args), await action.verify(args)
    visits.execute("revoke postgres_owner from operator")
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"table": "nothing", "columns": ["id"]}, "there is no table nothing"),
        ({"table": "visits", "columns": ["id; drop table visits"]}, "there is no column"),
        ({"table": "visits", "columns": "id"}, "columns must be a list"),
        ({"table": "pg_class", "schema": "pg_catalog", "columns": ["relname"]}, "there is no table"),
        ({"columns": ["id"]}, "table must be a name"),
    ],
)
async def test_what_can_not_be_indexed_is_refused(server: Any, target: Any, args: Any, said: str) -> None:
    async with target(**owned(server)) as connection:
        action = connection.actions["postgres.create_index"]
        preview, outcome, verified = await action.preview(args), await action.apply(args), await action.verify(args)
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert verified.verdict is Verified.UNKNOWN


async def test_an_old_transaction_is_named_and_nothing_is_begun(server: Any, target: Any, visits: Any) -> None:
    args = {"table": "visits", "columns": ["user_id"]}
    with server.connect(application="pg_dump") as backup:
        backup.execute("set transaction isolation level repeatable read read only")
        backup.execute("select count(*) from visits")
        pid = backup.info.backend_pid
        await asyncio.sleep(0.3)
        async with target(**owned(server), old_transaction_after=0.2) as connection:
            preview = await connection.actions["postgres.create_index"].preview(args)
    assert f"session {pid} of app pg_dump" in preview.refused


async def test_a_try_that_fails_leaves_nothing_behind(server: Any, target: Any, visits: Any) -> None:
    args = {"table": "visits", "columns": ["user_id"]}
    with server.connect("postgres_owner", application="writer") as writer:
        writer.execute("update visits set kind = 'x' where id = 1")
        async with target(**owned(server)) as connection:
            action = connection.actions["postgres.create_index"]
            asking = asyncio.create_task(action.apply(args))
            await asyncio.sleep(0.7)
            under_way = await action.verify(args)
            outcome = await asking
            writer.rollback()
            if "could not be dropped" in outcome.summary:
                left = await connection.checks["postgres.invalid_indexes"]()
                assert left.status is Status.WARN
            else:
                assert await causes(connection) == []
            verified = await action.verify(args)
    assert (outcome.result, outcome.recoverable, outcome.hits) == (Result.FAILED, True, 0)
    assert under_way.verdict is Verified.PENDING
    assert verified.verdict is Verified.FAILED


async def test_an_invalid_index_is_found_is_in_the_way_and_is_dropped(server: Any, target: Any, visits: Any) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        visits.execute("create unique index concurrently half_made on visits (user_id)")
    args = {"table": "visits", "columns": ["user_id"]}
    async with target(**owned(server)) as connection:
        [cause] = await causes(connection)
        blocked = await connection.actions["postgres.create_index"].preview(args)
        drop = connection.actions["postgres.drop_index"]
        preview = await drop.preview(cause.remedies[0].args)
        outcome = await drop.apply(cause.remedies[0].args)
        verified = await drop.verify(cause.remedies[0].args)
        free = await connection.actions["postgres.create_index"].preview(args)
        assert await causes(connection) == []
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.invalid_index", "index", "half_made")
    assert "INVALID index half_made" in blocked.refused
    assert (preview.refused, outcome.result, verified.verdict) == ("", Result.DONE, Verified.PASSED)
    assert free.refused == ""


async def test_other_peoples_indexes_stay(server: Any, target: Any, visits: Any) -> None:
    visits.execute("create index hutch_visits_user_id_00000000 on visits (user_id)")
    async with target(**owned(server)) as connection:
        drop = connection.actions["postgres.drop_index"]
        previews = [await drop.preview({"index": n}) for n in ("hutch_visits_user_id_00000000", "visits_pkey")]
        outcomes = [await drop.apply({"index": n}) for n in ("hutch_visits_user_id_00000000", "visits_pkey")]
        nothing = await drop.apply({"index": "no_such"})
    assert ["was not made by" in previews[0].refused, "constraint" in previews[1].refused] == [True, True]
    assert [outcome.result for outcome in outcomes] == [Result.FAILED] * 2
    assert (nothing.result, nothing.hits) == (Result.DONE, 0)


async def test_an_attempt_whose_backend_was_killed_is_told_apart(server: Any, target: Any, visits: Any) -> None:
    args = {"table": "visits", "columns": ["user_id"]}
    with server.connect("postgres_owner", application="writer") as writer:
        writer.execute("update visits set kind = 'x' where id = 1")
        async with target(**{**owned(server), "index_lock_timeout": 30.0}) as connection:
            action = connection.actions["postgres.create_index"]
            asking = asyncio.create_task(action.apply(args))
            await asyncio.sleep(0.7)
            visits.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'CREATE INDEX CONCURRENTLY%'"
            )
            outcome = await asking
            verified = await action.verify(args)
        writer.rollback()
    assert outcome.result is Result.UNKNOWN
    assert verified.verdict is Verified.FAILED
    assert "INVALID" in verified.summary and "postgres.drop_index" in verified.summary


async def test_a_reader_that_may_not_read_the_table_says_so(server: Any, target: Any, visits: Any) -> None:
    visits.execute("revoke select on visits from watcher")
    with asked(server, [LOOKUP]):
        async with target(**owned(server)) as connection:
            finding = await connection.checks["postgres.missing_indexes"]()
    assert finding.status is Status.OK
    assert any("permission denied" in line for line in finding.evidence)

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from hutch.model.action import Verified
from hutch.model.finding import Cause, Finding, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider


@contextmanager
def waiting(server: Any, statements: Sequence[str], role: str = "app", ended: bool = False) -> Iterator[list[int]]:
    """Sessions that run these statements and hang in them, in this order; their pids. ``ended``: they won't survive."""
    with ExitStack() as stack, psycopg.connect(server.postgres.url, autocommit=True) as admin:
        sessions = [stack.enter_context(server.connect(role, "waiter", autocommit=True)) for _ in statements]
        threads = []
        for session, statement in zip(sessions, statements, strict=True):
            threads.append(threading.Thread(target=attempt, args=(session, statement, ended)))
            threads[-1].start()
            until_waiting(admin, session.info.backend_pid)
        try:
            yield [session.info.backend_pid for session in sessions]
        finally:
            for session in sessions:
                admin.execute("select pg_cancel_backend(%s)", [session.info.backend_pid])
            for thread in threads:
                thread.join()


def attempt(session: psycopg.Connection, statement: str, ended: bool = False) -> None:
    try:
        session.execute(statement.encode())
    except psycopg.errors.QueryCanceled:
        return
    except psycopg.OperationalError:
        if not ended:
            raise


def until_waiting(admin: psycopg.Connection, pid: int) -> None:
    for _ in range(200):
        row = admin.execute("select 1 from pg_locks where pid = %s and not granted", [pid]).fetchone()
        if row is not None:
            return
        time.sleep(0.02)
    raise AssertionError(f"pid {pid} does not wait")


async def causes(connection: Connection) -> list[Cause]:
    names = ("connections", "idle_in_transaction", "locks", "long_queries")
    findings = await asyncio.gather(*(connection.checks[f"postgres.{name}"]() for name in names))
    return list(provider.explain(list(findings)))


async def test_nobody_waits(target: Any) -> None:
    async with target() as connection:
        finding: Finding = await connection.checks["postgres.locks"]()
    assert (finding.status, finding.data["blockers"]) == (Status.OK, [])


async def test_the_root_of_a_queue_is_named_and_ending_it_frees_everybody(server: Any, target: Any) -> None:
    update = "update portfolios set title = title where id = 1"
    with server.connect(application="web/43") as root:
        pid = str(root.info.backend_pid)
        root.execute(update)
        with waiting(server, [update] * 4) as pids:
            async with target() as connection:
                [cause] = await causes(connection)
                action = connection.actions["postgres.end_sessions"]
                outcome = await action.apply(cause.remedies[0].args)
                verified = await action.verify(cause.remedies[0].args)
                after = await connection.checks["postgres.locks"]()
        root.close()
    assert (cause.code, cause.object.kind, cause.object.id) == (
        "postgres.blocked_by_lock",
        "session",
        pid,
    )
    assert sorted(cause.object.detail["waiting"]) == sorted(pids)  # type: ignore[call-overload]
    assert cause.since is not None
    assert (outcome.hits, verified.verdict, after.status) == (1, Verified.PASSED, Status.OK)


async def test_ddl_behind_an_idle_transaction_is_a_ddl_queue(server: Any, target: Any) -> None:
    with server.connect(application="report") as root:
        pid = str(root.info.backend_pid)
        root.execute("select count(*) from portfolios")
        with (
            waiting(server, ["alter table portfolios add column visibility text"], "postgres_owner") as [ddl],
            waiting(server, ["select 1 from portfolios"] * 2) as readers,
        ):
            async with target() as connection:
                [cause] = await causes(connection)
    assert (cause.code, cause.object.id) == ("postgres.ddl_queue", pid)
    assert cause.object.detail["ddl"] == ddl
    ended = [[named["pid"] for named in remedy.args["sessions"]] for remedy in cause.remedies]  # type: ignore[attr-defined]
    assert ended == [[int(pid)], [ddl]]  # the root alone first; giving up the change is the other way
    assert sorted(cause.object.detail["waiting"]) == sorted([ddl, *readers])  # type: ignore[call-overload]


async def test_an_advisory_lock_of_an_idle_session_is_found(server: Any, target: Any) -> None:
    with server.connect(application="cron", autocommit=True) as root:
        pid = str(root.info.backend_pid)
        root.execute("select pg_advisory_lock(7)")
        with waiting(server, ["select pg_advisory_lock(7)"]):
            async with target() as connection:
                [cause] = await causes(connection)
                outcome = await connection.actions["postgres.end_sessions"].apply(cause.remedies[0].args)
    assert (cause.code, cause.object.id) == ("postgres.blocked_by_lock", pid)
    assert any("advisory lock 7:" in line for line in cause.evidence)
    assert outcome.hits == 1


@pytest.mark.parametrize(
    ("key", "named"), [("-3", "advisory lock -3:"), ("8, -9", "advisory lock 8, -9:"), (str(2**62), str(2**62))]
)
async def test_an_advisory_key_is_named_as_the_program_wrote_it(server: Any, target: Any, key: str, named: str) -> None:
    with server.connect(application="cron", autocommit=True) as root:
        root.execute(f"select pg_advisory_lock({key})")
        with waiting(server, [f"select pg_advisory_lock({key})"]):
            async with target() as connection:
                [cause] = await causes(connection)
        root.close()
    assert any(named in line for line in cause.evidence)


async def test_ending_the_root_of_a_ddl_queue_lets_the_change_and_the_readers_through(server: Any, target: Any) -> None:
    with server.connect(application="report") as root, server.connect(application="web/43") as innocent:
        root.execute("select count(*) from portfolios")
        innocent.execute("select 1")
        change = "alter table portfolios add column if not exists shown boolean"
        with waiting(server, [change], "postgres_owner"), waiting(server, ["select 1 from portfolios"]):
            async with target() as connection:
                [cause] = await causes(connection)
                outcome = await connection.actions["postgres.end_sessions"].apply(cause.remedies[0].args)
                await until_free(connection)
        innocent.execute("select shown from portfolios")
        root.close()
    assert outcome.hits == 1


async def test_giving_up_the_change_spares_the_root(server: Any, target: Any) -> None:
    with server.connect(application="report") as root:
        root.execute("select count(*) from portfolios")
        change = "alter table portfolios add column given_up boolean"
        with waiting(server, [change], "postgres_owner", ended=True), waiting(server, ["select 1 from portfolios"]):
            async with target() as connection:
                [cause] = await causes(connection)
                outcome = await connection.actions["postgres.end_sessions"].apply(cause.remedies[1].args)
                await until_free(connection)
        assert root.execute("select count(*) from portfolios").fetchone() == (1000,)
    assert outcome.hits == 1


async def test_a_change_that_queues_behind_a_backup_is_named_and_the_backup_lives(server: Any, target: Any) -> None:
    with server.connect(application="pg_dump") as backup:
        backup.execute("select count(*) from portfolios")
        change = "alter table portfolios add column behind boolean"
        with waiting(server, [change], "postgres_owner", ended=True) as [ddl]:
            async with target() as connection:
                alone = await causes(connection)
                with waiting(server, ["select 1 from portfolios"]):
                    [cause] = await causes(connection)
                    [remedy] = cause.remedies
                    await connection.actions["postgres.end_sessions"].apply(remedy.args)
                    await until_free(connection)
        assert backup.execute("select 1").fetchone() == (1,)
    assert alone == []  # nobody but the change itself waits
    assert cause.code == "postgres.ddl_queue"
    assert [named["pid"] for named in remedy.args["sessions"]] == [ddl]  # type: ignore[attr-defined]


async def until_free(connection: Connection) -> None:
    for _ in range(50):
        if (await connection.checks["postgres.locks"]()).status is Status.OK:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("somebody still waits")


async def test_a_leak_explains_the_locks_that_it_holds(
    server: Any, target: Any, leak: Callable[..., list[psycopg.Connection]]
) -> None:
    leaked = leak(5)
    leaked[0].execute("update portfolios set title = title where id = 2")
    with waiting(server, ["delete from portfolios where id = 2"]):
        async with target() as connection:
            assert [cause.code for cause in await causes(connection)] == ["postgres.connection_leak"]


async def test_a_lock_held_by_a_migration_is_not_blamed(server: Any, target: Any) -> None:
    with server.connect(application="alembic upgrade") as root:
        root.execute("lock table portfolios in row exclusive mode; update portfolios set title = title where id = 3")
        with waiting(server, ["delete from portfolios where id = 3"]):
            async with target() as connection:
                finding = await connection.checks["postgres.locks"]()
                assert await causes(connection) == []
    assert finding.status is Status.WARN


@pytest.mark.parametrize(("application", "codes"), [("report", ["postgres.long_query"]), ("pg_dump", [])])
async def test_a_long_statement_is_named_unless_it_is_a_backup(
    server: Any, target: Any, application: str, codes: list[str]
) -> None:
    with server.connect(application=application, autocommit=True) as session:
        pid = str(session.info.backend_pid)
        running = threading.Thread(target=attempt, args=(session, "select pg_sleep(30), 'private'"))
        running.start()
        try:
            await asyncio.sleep(0.7)
            async with target(long_query_after=0.5) as connection:
                found = await causes(connection)
        finally:
            session.cancel_safe()
            running.join()
    assert [cause.code for cause in found] == codes
    assert all(cause.object.id == pid for cause in found)
    assert "private" not in repr(found)

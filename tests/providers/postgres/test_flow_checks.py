from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from hutch.model.action import Verified
from hutch.model.finding import Cause, Finding, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider

TABLES = """
create extension if not exists pg_stat_statements;
create table stock (id int primary key, left_over int);
insert into stock select n, n from generate_series(1, 10) n;
create table wide as select n as id, repeat(md5(n::text), 4) as text from generate_series(1, 60000) n;
analyze wide;
grant select, update on stock, wide to app;
"""
FLOW = ("deadlocks", "temp_files", "cache", "cpu_statements", "checksums", "lost_sessions", "slow_statements")
Work = Callable[[psycopg.Connection], None]


@pytest.fixture(autouse=True)
def stock(server: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute(TABLES)
        yield admin
        admin.execute("drop table stock, wide")


@contextmanager
def at_work(server: Any, *works: Work, **options: object) -> Iterator[None]:
    """Each in a session of its own, again and again."""
    stop = threading.Event()

    def again(session: psycopg.Connection, work: Work) -> None:
        while not stop.is_set():
            work(session)

    with ExitStack() as stack:
        sessions = [stack.enter_context(server.connect(autocommit=True, **options)) for _ in works]
        threads = [threading.Thread(target=again, args=pair) for pair in zip(sessions, works, strict=True)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for session in sessions:
                session.cancel_safe()
            for thread in threads:
                thread.join(10)
            assert not any(thread.is_alive() for thread in threads)


def crossing(first: int, second: int) -> Work:
    """Takes two rows, in this order."""

    def work(session: psycopg.Connection) -> None:
        try:
            with session.transaction():
                session.execute("update stock set left_over = left_over - 1 where id = %s", [first])
                session.execute("select pg_sleep(0.05)")
                session.execute("update stock set left_over = left_over - 1 where id = %s", [second])
        except (psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled):
            return

    return work


def statement(text: str) -> Work:
    """Runs it, until it is cancelled."""

    def work(session: psycopg.Connection) -> None:
        try:
            session.execute(text.encode())
        except psycopg.errors.QueryCanceled:
            return

    return work


async def looked(connection: Connection, names: Sequence[str] = FLOW) -> dict[str, Finding]:
    findings = await asyncio.gather(*(connection.checks[f"postgres.{name}"]() for name in names))
    return {finding.check.removeprefix("postgres."): finding for finding in findings}


async def causes(connection: Connection) -> list[Cause]:
    return list(provider.explain(list((await looked(connection)).values())))


async def test_deadlocks_are_found_by_the_first_look_too(server: Any, target: Any, stock: psycopg.Connection) -> None:
    with at_work(server, crossing(1, 2), crossing(2, 1)):
        await asyncio.sleep(2.5)
        async with target() as connection:
            [cause] = [c for c in await causes(connection) if c.code == "postgres.deadlocks"]
    assert (cause.object.kind, cause.object.id) == ("database", "postgres")
    assert cause.object.detail["tables"] in (["stock"], [])


async def test_rows_taken_in_one_order_wait_and_lock_nobody_dead(server: Any, target: Any) -> None:
    with at_work(server, *[crossing(1, 2)] * 3):
        async with target() as connection:
            for _ in range(2):
                assert await causes(connection) == []
                await asyncio.sleep(1.0)


async def test_a_sort_that_spills_again_and_again_names_its_statement(server: Any, target: Any) -> None:
    sort = "set work_mem = '64kB'", "select count(*) from (select text from wide order by text offset 1) s"

    def work(session: psycopg.Connection) -> None:
        for text in sort:
            statement(text)(session)

    with at_work(server, work, work):
        async with target(temp_rate=1.0) as connection:
            found = {cause.code: cause for cause in await causes(connection)}
    spill = found["postgres.temp_spill"]
    assert (spill.object.kind, spill.object.id) == ("setting", "work_mem")
    assert "from wide order by text" in "\n".join(spill.evidence)


async def test_making_an_index_spills_once_and_is_healthy(server: Any, target: Any) -> None:
    async with target(temp_rate=0.5, sample_gap=2.5) as connection:
        looking = asyncio.create_task(looked(connection))
        await asyncio.sleep(1.0)
        with psycopg.connect(server.postgres.url, autocommit=True) as owner:  # its end hands in its counters
            owner.execute("set maintenance_work_mem = '1MB'")
            owner.execute("create index wide_text on wide (text)")
        found = await looking
    assert found["temp_files"].data["rate"] > 0.5
    assert provider.explain(list(found.values())) == []


async def test_a_heavy_statement_that_runs_again_and_again(server: Any, target: Any) -> None:
    heavy = "select count(md5(text || n)) from wide, generate_series(1, 20) n"
    with at_work(server, statement(heavy), statement(heavy)):
        await asyncio.sleep(0.5)
        async with target() as connection:
            [cause] = [c for c in await causes(connection) if c.code == "postgres.cpu_query"]
    assert (cause.object.kind, cause.object.detail["role"]) == ("session", "app")
    assert len(cause.object.detail["pids"]) == 2  # type: ignore[arg-type]
    assert [remedy.action for remedy in cause.remedies] == ["postgres.end_sessions", "postgres.set_role_timeout"]


async def test_the_sessions_of_a_statement_are_ended_though_each_time_is_another_transaction(
    server: Any, target: Any
) -> None:
    text = "select count(md5(text || n)) from wide, generate_series(1, 10) n"

    def heavy(session: psycopg.Connection) -> None:
        try:
            session.execute(text.encode())
        except psycopg.OperationalError:  # ended, then closed
            threading.Event().wait(0.05)

    with at_work(server, heavy, heavy):
        await asyncio.sleep(0.5)
        async with target() as connection:
            [cause] = [c for c in await causes(connection) if c.code == "postgres.cpu_query"]
            listed: Any = cause.remedies[0].args["sessions"]
            others = [{**session, "statement": "1"} for session in listed]
            await asyncio.sleep(1.5)  # by now each runs it anew
            action = connection.actions["postgres.end_sessions"]
            assert (await action.preview({"sessions": others})).hits == 0
            assert (await action.apply(cause.remedies[0].args)).hits == len(listed) == 2
            assert (await action.verify(cause.remedies[0].args)).verdict is Verified.PASSED


async def test_what_our_own_looks_write_to_the_disk_is_not_counted(server: Any, target: Any) -> None:
    names = ("temp_files", "disk")
    async with target(sample_gap=1.0) as connection:
        await looked(connection, names)
        for _ in range(6):  # the server hands in its counters once a second, and not all of a statement's at once
            await asyncio.sleep(1.2)
            await looked(connection, ("disk",))
            await asyncio.sleep(1.2)
            found = (await looked(connection, names))["temp_files"]
            if not found.data["files"]:
                break
    assert (found.data["rate"], found.data["files"]) == (0.0, 0)


async def test_one_long_report_and_a_peak_of_short_statements_are_healthy(server: Any, target: Any) -> None:
    report = statement("select count(md5(text || n)) from wide, generate_series(1, 2000) n")
    short = statement("select count(*) from wide where id < 2000")
    with at_work(server, report, *[short] * 4):
        async with target() as connection:
            assert await causes(connection) == []


async def test_a_lone_reader_of_everything_is_no_miss_of_the_cache(server: Any, target: Any, stock: Any) -> None:
    stock.execute("create table big as select n, repeat('x', 500) as text from generate_series(1, 100000) n")
    try:
        async with target(cache_reads=0.5, cache_hit=99.9) as connection:
            looking = asyncio.create_task(looked(connection))
            await asyncio.sleep(0.2)
            with psycopg.connect(server.postgres.url, autocommit=True) as report:
                report.execute("select sum(n) from big")
            assert provider.explain(list((await looking).values())) == []
    finally:
        stock.execute("drop table big")


async def test_what_does_not_fit_into_the_cache_is_read_again_and_again(server: Any, target: Any, stock: Any) -> None:
    stock.execute("create table big as select n, repeat('x', 500) as text from generate_series(1, 200000) n")
    stock.execute("grant select on big to app")
    try:
        with at_work(server, *[statement("select sum(length(text)) from big")] * 2):
            async with target(cache_reads=1.0) as connection:
                found = {cause.code: cause for cause in await causes(connection)}
    finally:
        stock.execute("drop table big")
    assert (found["postgres.cache_miss"].object.kind, found["postgres.cache_miss"].object.id) == (
        "setting",
        "shared_buffers",
    )


async def test_sessions_that_vanish_are_told_and_blamed_for_nothing(server: Any, target: Any, stock: Any) -> None:
    async with target(lost_sessions_per_minute=2.0, sample_gap=2.5) as connection:
        looking = asyncio.create_task(looked(connection, ("lost_sessions",)))
        await asyncio.sleep(1.0)
        for _ in range(3):
            with server.connect() as session:
                stock.execute("select pg_terminate_backend(%s, 1000)", [session.info.backend_pid])
        found = await looking
    assert (found["lost_sessions"].status, found["lost_sessions"].data["killed"]) == (Status.WARN, 3)
    assert provider.explain(list(found.values())) == []


async def test_later_looks_reach_back_to_the_one_before(server: Any, target: Any, stock: Any) -> None:
    async with target(sample_gap=0.5) as connection:
        await looked(connection, ("lost_sessions",))
        with server.connect() as session:
            stock.execute("select pg_terminate_backend(%s, 1000)", [session.info.backend_pid])
        await asyncio.sleep(1.2)
        found = await looked(connection, ("lost_sessions", "slow_statements"))
    assert found["lost_sessions"].data["killed"] == 1
    assert found["lost_sessions"].seconds < 0.4  # nothing to wait for
    assert found["slow_statements"].status is Status.OK


async def test_without_counted_statements_it_says_what_it_needs(server: Any, target: Any, stock: Any) -> None:
    stock.execute("drop extension pg_stat_statements")
    async with target() as connection:
        found = await looked(connection)
    assert found["slow_statements"].status is Status.UNKNOWN
    assert "load pg_stat_statements" in found["slow_statements"].reason
    assert {name for name, f in found.items() if f.status is Status.UNKNOWN} <= {"slow_statements", "checksums"}

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from hutch.model.finding import Cause, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider


def quietly(session: psycopg.Connection, statement: str) -> None:
    try:
        session.execute(statement.encode())
    except psycopg.errors.QueryCanceled:
        return


@contextmanager
def busy_house(server: Any) -> Iterator[list[psycopg.Connection]]:
    """What only looks like trouble: a backup with its pauses, a long report, a pool at rest, short transactions."""
    stop = threading.Event()
    with ExitStack() as stack:
        backup = stack.enter_context(server.connect(application="pg_dump"))
        report = stack.enter_context(server.connect(application="quarterly-report", autocommit=True))
        rest = [stack.enter_context(server.connect(application="pgbouncer", autocommit=True)) for _ in range(3)]
        web = stack.enter_context(server.connect(autocommit=True))

        def dump() -> None:
            backup.execute("set transaction isolation level repeatable read read only")
            while not stop.is_set():
                backup.execute("select count(*), pg_sleep(0.3) from portfolios")
                stop.wait(0.5)

        def serve() -> None:
            while not stop.wait(0.02):
                with web.transaction():
                    web.execute("update portfolios set title = title where id = 9")

        threads = [
            threading.Thread(target=dump),
            threading.Thread(target=serve),
            threading.Thread(target=quietly, args=(report, "select count(*), pg_sleep(60) from portfolios")),
        ]
        for thread in threads:
            thread.start()
        try:
            yield [backup, report, web, *rest]
        finally:
            stop.set()
            report.cancel_safe()
            for thread in threads:
                thread.join()


async def everything(connection: Connection) -> list[Cause]:
    findings = await asyncio.gather(*(check() for check in connection.checks.values()))
    assert {f.status for f in findings if f.matters} <= {Status.OK, Status.WARN}
    return list(provider.explain(list(findings)))


async def test_a_busy_house_is_healthy(server: Any, target: Any) -> None:
    with busy_house(server):
        async with target() as connection:
            for _ in range(3):
                assert await everything(connection) == []


async def test_the_one_that_blocks_is_found_and_ended_among_them(server: Any, target: Any) -> None:
    with busy_house(server) as innocents, server.connect(application="console") as root:
        with server.connect(application="waiter", autocommit=True) as waiter:
            pid = root.info.backend_pid
            root.execute("update portfolios set title = title where id = 1")
            waiting = threading.Thread(target=quietly, args=(waiter, "delete from portfolios where id = 1"))
            waiting.start()
            await asyncio.sleep(0.5)
            async with target() as connection:
                [cause] = await everything(connection)
                [remedy] = cause.remedies
                outcome = await connection.actions[remedy.action].apply(remedy.args)
            waiting.join(10)
            assert not waiting.is_alive()
        root.close()
        assert not any(session.broken or session.closed for session in innocents)
        with psycopg.connect(server.postgres.url) as admin:
            alive = admin.execute("select count(*) from pg_stat_activity where application_name in "
                                  "('pg_dump', 'quarterly-report', 'web/43', 'pgbouncer')").fetchone()  # fmt: skip
    assert (cause.code, cause.object.id, outcome.hits) == ("postgres.blocked_by_lock", str(pid), 1)
    assert alive == (6,)


async def test_the_checks_run_side_by_side(server: Any, target: Any) -> None:
    async with target() as connection:
        await everything(connection)
        began = time.monotonic()
        findings = await asyncio.gather(*(check() for check in connection.checks.values()))
        took = time.monotonic() - began
    seconds = [finding.seconds for finding in findings]
    assert took <= 1.5 * max(*seconds, sum(seconds) / 2)


@contextmanager
def under_way(server: Any, *statements: str) -> Iterator[None]:
    """One statement a session, each still at it while the block lasts."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(server.postgres.url, autocommit=True)) for _ in statements]
        for session in sessions:
            session.execute("set vacuum_cost_delay = 50; set vacuum_cost_limit = 10")
        threads = [threading.Thread(target=quietly, args=pair) for pair in zip(sessions, statements, strict=True)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        try:
            yield
        finally:
            for session in sessions:
                session.cancel_safe()
            for thread in threads:
                thread.join(10)
            assert not any(thread.is_alive() for thread in threads)


LOADED = """
create table loaded (id int primary key, text text);
insert into loaded select n, repeat('x', 200) from generate_series(1, 60000) n;
create table emptied (id int primary key, text text);
insert into emptied select n, repeat('x', 200) from generate_series(1, 60000) n;
delete from emptied where id > 1000;
"""


async def test_upkeep_and_a_bulk_load_are_healthy(server: Any, target: Any) -> None:
    """A vacuum, an index being built that waits for an older snapshot, and tables that autovacuum will come to."""
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute(LOADED)
    try:
        with server.connect(application="pg_dump") as backup:
            backup.execute("set transaction isolation level repeatable read read only")
            backup.execute("select count(*) from portfolios")
            with under_way(server, "vacuum emptied", "create index concurrently loaded_text on loaded (text)"):
                async with target() as connection:
                    for _ in range(2):
                        assert await everything(connection) == []
    finally:
        with psycopg.connect(server.postgres.url, autocommit=True) as admin:
            admin.execute("drop table loaded, emptied")

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Cause, Finding, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider

QUICK = {"idle_session_after": 0.3}
PLATFORM = Finding("local.replicas", "p", Status.OK, "serve", datetime(2026, 1, 1, tzinfo=UTC), data={"release": "43"})
HOSTED = replace(PLATFORM, check="vercel.production", data={"release": "dpl_1", "names": ["43", "web.host"]})


@contextmanager
def idle(server: Any, count: int, application: str) -> Iterator[list[psycopg.Connection]]:
    """A program's sessions that have done something and then nothing more."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(server.connect(application=application, autocommit=True)) for _ in range(count)]
        for session in sessions:
            session.execute("select 1")
        yield sessions


@contextmanager
def pool(server: Any, count: int, application: str = "web/43") -> Iterator[list[psycopg.Connection]]:
    """A service's pool: each connection is used again every few moments; stays alive or the test fails."""
    stop, failures = threading.Event(), []

    def work(sessions: list[psycopg.Connection]) -> None:
        while not stop.wait(0.05):
            for session in sessions:
                try:
                    session.execute("select count(*) from portfolios where id < 10")
                except psycopg.OperationalError as error:
                    failures.append(error)

    with idle(server, count, application) as sessions:
        thread = threading.Thread(target=work, args=[sessions])
        thread.start()
        try:
            yield sessions
        finally:
            stop.set()
            thread.join()
        assert failures == []


async def diagnosed(connection: Connection, *others: Finding) -> list[Cause]:
    names = ("connections", "idle_in_transaction", "locks", "long_queries")
    findings = await asyncio.gather(*(connection.checks[f"postgres.{name}"]() for name in names))
    return list(provider.explain([*findings, *others]))


def pids(sessions: list[psycopg.Connection]) -> list[int]:
    return sorted(session.info.backend_pid for session in sessions)


def named(cause: Cause) -> list[int]:
    remedy = cause.remedies[0]
    return sorted(session["pid"] for session in remedy.args["sessions"])  # type: ignore[attr-defined]


async def test_a_program_that_takes_all_and_uses_none_is_ended_and_the_pool_lives(server: Any, target: Any) -> None:
    async with target(url=server.url("warden"), **QUICK) as connection:
        with pool(server, 4) as own, server.filled("report-exporter") as taken:
            guilty, spared = pids(taken), pids(own)
            await asyncio.sleep(1.5)
            [cause] = await diagnosed(connection)
            action = connection.actions["postgres.end_sessions"]
            preview = await action.preview(cause.remedies[0].args)
            outcome = await action.apply(cause.remedies[0].args)
            verified = await action.verify(cause.remedies[0].args)
            after = await connection.checks["postgres.connections"]()
            with server.connect(application="newcomer") as newcomer:
                newcomer.execute("select 1")
    assert named(cause) == guilty
    assert not set(guilty) & set(spared)
    assert (cause.code, cause.object.kind, cause.object.id) == (
        "postgres.connections_exhausted",
        "database",
        "postgres",
    )
    assert cause.object.detail == {"role": "app", "application": "report-exporter", "idle": len(taken)}
    assert any("app report-exporter (not in use)" in line and "idle for" in line for line in cause.evidence)
    assert (preview.hits, preview.refused) == (len(taken), "")
    assert (outcome.result, outcome.hits, verified.verdict) == (Result.DONE, len(taken), Verified.PASSED)
    assert after.status is Status.OK


async def test_a_session_that_was_used_since_the_approval_lives(server: Any, target: Any) -> None:
    async with target(url=server.url("warden"), **QUICK) as connection:
        with server.filled("report-exporter") as taken:
            await asyncio.sleep(0.5)
            [cause] = await diagnosed(connection)
            taken[0].execute("select 1")
            outcome = await connection.actions["postgres.end_sessions"].apply(cause.remedies[0].args)
            assert taken[0].execute("select 1").fetchone() == (1,)
    assert outcome.hits == len(taken) - 1


@pytest.mark.parametrize(
    ("application", "settings", "others"),
    [
        ("pgbouncer", {}, ()),
        ("web/43", {"pool_applications": ["web*"]}, ()),
        ("web/43", {}, (PLATFORM,)),
        ("web/43", {}, (HOSTED,)),
        ("pg_dump", {}, ()),
    ],
    ids=["pooler", "own pool by setting", "running release", "running release by its name", "backup"],
)
async def test_idle_pools_and_backups_are_never_ended(
    server: Any, target: Any, application: str, settings: Any, others: tuple[Finding, ...]
) -> None:
    async with target(url=server.url("warden"), **QUICK, **settings) as connection:
        with server.filled(application):
            await asyncio.sleep(0.5)
            [cause] = await diagnosed(connection, *others)
    assert (cause.code, cause.remedies) == ("postgres.connections_exhausted", ())


async def test_a_pool_too_big_for_the_server_is_not_ended(server: Any, target: Any) -> None:
    async with target(url=server.url("warden"), **QUICK) as connection:
        with pool(server, 13), idle(server, 2, "psql"):
            await asyncio.sleep(1.5)
            [cause] = await diagnosed(connection)
    assert (cause.code, cause.remedies) == ("postgres.connections_exhausted", ())


async def test_two_releases_pools_at_once_are_healthy(server: Any, target: Any) -> None:
    async with target(url=server.url("warden"), **QUICK) as connection:
        with pool(server, 5, "web/42"), pool(server, 5, "web/43"):
            await asyncio.sleep(0.5)
            assert await diagnosed(connection) == []


async def test_a_leak_that_fills_the_server_is_a_leak_beside_idle_programs(server: Any, target: Any, leak: Any) -> None:
    async with target(url=server.url("warden"), **QUICK) as connection:
        leaked = leak(9)
        with server.filled("report-exporter"):
            await asyncio.sleep(1.2)
            [cause] = await diagnosed(connection)
    assert (cause.code, named(cause)) == ("postgres.connection_leak", pids(leaked))


async def test_a_program_that_takes_one_more_right_now_is_a_hoarder_all_the_same(server: Any, target: Any) -> None:
    """What a session does in its first moments is no sign of a pool in use."""
    async with target(url=server.url("warden"), **QUICK) as connection:
        with server.filled("report-exporter") as taken:
            await asyncio.sleep(0.6)
            taken[-1].close()
            with server.connect(application="report-exporter", autocommit=True) as late:
                busy = threading.Thread(target=late.execute, args=["select pg_sleep(1.5)"])
                busy.start()
                [cause] = await diagnosed(connection)
                busy.join()
            assert cause.code == "postgres.connections_exhausted"
            assert named(cause) == pids(taken[:-1])

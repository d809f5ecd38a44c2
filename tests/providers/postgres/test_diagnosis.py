from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Finding, Status
from hutch.ports import Connection
from hutch.providers.postgres import provider

HEALTH = ("postgres.reachable", "postgres.connections", "postgres.idle_in_transaction")


async def looked(connection: Connection) -> dict[str, Finding]:
    findings = await asyncio.gather(*(connection.checks[name]() for name in HEALTH))
    return {finding.check: finding for finding in findings}


async def test_an_idle_server_is_healthy(target: Any) -> None:
    async with target() as connection:
        findings = await looked(connection)
    assert {f.status for f in findings.values()} == {Status.OK}
    assert provider.explain(list(findings.values())) == []
    assert findings["postgres.reachable"].data["login"] == "watcher"
    assert (
        findings["postgres.idle_in_transaction"].seconds < 0.9
    )  # nothing to look at twice, our own reads least of all


@contextmanager
def busy(server: Any, sessions: int) -> Iterator[None]:
    """Short transactions on every session, one after the other without a pause."""
    stop = threading.Event()

    def work(session: psycopg.Connection) -> None:
        while not stop.is_set():
            with session.transaction():
                session.execute("update portfolios set title = title where id = %s", [session.info.backend_pid % 1000])
                stop.wait(0.02)

    with ExitStack() as stack:
        opened = [stack.enter_context(server.connect(autocommit=True)) for _ in range(sessions)]
        threads = [threading.Thread(target=work, args=[session]) for session in opened]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


async def test_a_busy_pool_of_short_transactions_is_healthy(server: Any, target: Any) -> None:
    with busy(server, 8):
        async with target() as connection:
            for _ in range(2):
                findings = await looked(connection)
                assert provider.explain(list(findings.values())) == []


async def test_a_leak_is_found_with_its_role_and_pids(
    server: Any, target: Any, leak: Callable[..., list[psycopg.Connection]]
) -> None:
    leaked = leak(6)
    with server.connect(application="web/42") as innocent, busy(server, 2):
        innocent.execute("select 1")
        innocent.rollback()
        async with target() as connection:
            findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    pids = sorted(session.info.backend_pid for session in leaked)
    assert (cause.code, cause.object.kind, cause.object.id) == ("postgres.connection_leak", "role", "app")
    assert cause.object.detail == {"pids": pids, "release": None, "application": "web/43"}
    assert cause.since is not None
    assert "private" not in repr(findings)
    [remedy, lasting] = cause.remedies
    assert (lasting.action, lasting.args["role"]) == ("postgres.set_role_timeout", "app")
    assert (remedy.action, remedy.rank) == ("postgres.end_sessions", 20)
    assert sorted(named["pid"] for named in remedy.args["sessions"]) == pids  # type: ignore[attr-defined]


async def test_a_backup_is_not_blamed(target: Any, leak: Callable[..., list[psycopg.Connection]]) -> None:
    leak(6, application="pg_dump")
    async with target(idle_in_transaction_after=0.1, old_transaction_after=0.5) as connection:
        findings = await looked(connection)
    assert provider.explain(list(findings.values())) == []


async def test_one_old_idle_transaction_is_named_by_its_pid(
    target: Any, leak: Callable[..., list[psycopg.Connection]]
) -> None:
    [held] = leak(1, application="psql")
    async with target(idle_in_transaction_after=0.1, old_transaction_after=0.5) as connection:
        findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.id) == ("postgres.idle_in_transaction", str(held.info.backend_pid))


async def test_a_full_server_is_diagnosed_through_the_warm_connection(server: Any, target: Any) -> None:
    async with target() as connection:
        assert (await connection.checks["postgres.reachable"]()).status is Status.OK
        with server.filled("pool"):
            findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.kind, cause.object.id) == (
        "postgres.connections_exhausted",
        "database",
        "postgres",
    )
    assert findings["postgres.connections"].status is Status.BAD
    assert any("pool" in line for line in cause.evidence)


async def test_a_login_with_reserved_rights_gets_in_when_it_is_full(server: Any, target: Any) -> None:
    with server.filled("pool"):
        async with target(url=server.url("warden")) as connection:
            findings = await looked(connection)
    assert findings["postgres.connections"].status is Status.BAD
    assert findings["postgres.idle_in_transaction"].status is Status.OK
    assert [c.code for c in provider.explain(list(findings.values()))] == ["postgres.connections_exhausted"]


async def test_refused_even_so_means_exhausted(server: Any, target: Any) -> None:
    with server.filled("pool"):
        async with target(url=server.url("watcher")) as connection:
            findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.kind, cause.object.id) == (
        "postgres.connections_exhausted",
        "database",
        "postgres",
    )
    assert "watcher-word" not in repr(findings)


async def test_a_full_server_that_a_leak_filled_has_the_leak_as_cause(
    server: Any, target: Any, leak: Callable[..., list[psycopg.Connection]]
) -> None:
    async with target() as connection:
        await connection.checks["postgres.reachable"]()
        leak(13)
        with server.filled("pool"):
            findings = await looked(connection)
    assert [c.code for c in provider.explain(list(findings.values()))] == ["postgres.connection_leak"]


async def test_the_wrong_password_is_auth_and_is_not_repeated(server: Any, target: Any) -> None:
    wrong = server.postgres.url_for("postgres", "watcher", "wrong-word")
    async with target(url=wrong) as connection:
        findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.kind) == ("postgres.auth", "database")
    assert "wrong-word" not in repr(findings) + repr(cause)


async def test_no_server_is_unreachable(target: Any) -> None:
    async with target(url="postgresql://app:hidden-word@127.0.0.1:1/shop") as connection:
        findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.id) == ("postgres.unreachable", "shop")
    assert [(r.action, r.target, r.args) for r in cause.remedies] == [
        ("service.restart", "", {"component": "postgres"})
    ]
    assert {f.status for f in findings.values()} == {Status.BAD}
    assert "hidden-word" not in repr(findings)


async def test_a_login_without_pg_monitor_says_what_it_needs(server: Any, target: Any) -> None:
    with server.connect("operator", "other"):
        async with target(url=server.url("app")) as connection:
            finding = await connection.checks["postgres.idle_in_transaction"]()
    assert finding.status is Status.UNKNOWN
    assert "pg_monitor" in finding.reason


async def test_a_restarted_server_is_read_again(server: Any, target: Any) -> None:
    async with target() as connection:
        await looked(connection)
        server.postgres.restart()
        findings = await looked(connection)
    assert {f.status for f in findings.values()} == {Status.OK}


async def test_the_reading_login_is_proven_read_only(server: Any, target: Any) -> None:
    async with target() as watcher, target(url=server.url("app")) as app:
        good, bad = [await c.checks["postgres.reader_is_read_only"]() for c in (watcher, app)]
    assert (good.status, good.data["can_write"], good.matters) == (Status.OK, False, False)
    assert bad.data["can_write"] is True
    assert any("portfolios" in line for line in bad.evidence)


async def test_samples_are_the_figures_of_the_check(target: Any) -> None:
    async with target() as connection:
        assert connection.scrape is not None
        samples = {sample.name: sample.value for sample in await connection.scrape()}
    assert samples["db_connections"] >= 1
    assert samples["db_connections_used"] == pytest.approx(100 * samples["db_connections"] / 15, abs=0.1)

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Action, Connection
from hutch.providers.postgres import provider
from hutch.providers.postgres.sessions import Session

Leak = Callable[..., list[psycopg.Connection]]


def action(connection: Connection) -> Action:
    return connection.actions["postgres.end_sessions"]


def alive(session: psycopg.Connection) -> bool:
    try:
        session.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


async def proposed(connection: Connection) -> dict[str, Any]:
    """The arguments that the diagnosis itself proposes."""
    checks = [connection.checks[name]() for name in ("postgres.connections", "postgres.idle_in_transaction")]
    [cause] = provider.explain(await asyncio.gather(*checks))
    return dict(cause.remedies[0].args)


async def test_the_leaked_sessions_and_no_others_are_ended(server: Any, target: Any, leak: Leak) -> None:
    leaked = leak(6)
    with server.connect(application="web/42") as innocent:
        innocent.execute("select 1")
        innocent.commit()
        async with target() as connection:
            args = await proposed(connection)
            preview = await action(connection).preview(args)
            before = await action(connection).verify({"sessions": args["sessions"][:1]})
            outcome = await action(connection).apply(args)
            verified = await action(connection).verify(args)
            again = await action(connection).apply(args)
        assert alive(innocent)
    assert (preview.hits, preview.refused, len(preview.items)) == (6, "", 6)
    assert "web/43" in preview.items[0] and "private" not in preview.items[0]
    assert before.verdict is Verified.FAILED
    assert (outcome.result, outcome.hits) == (Result.DONE, 6)
    assert verified.verdict is Verified.PASSED
    assert (again.result, again.hits) == (Result.DONE, 0)
    assert not any(map(alive, leaked))


async def test_another_session_of_the_same_pid_survives(target: Any, leak: Leak) -> None:
    leaked = leak(5)
    async with target() as connection:
        args = await proposed(connection)
        other = [{**s, "backend_start": moved(s["backend_start"])} for s in args["sessions"]]
        preview = await action(connection).preview({"sessions": other})
        outcome = await action(connection).apply({"sessions": other})
    assert (preview.hits, outcome.hits, outcome.result) == (0, 0, Result.DONE)
    assert all(map(alive, leaked))


def moved(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(microseconds=1)).isoformat()


async def test_a_session_that_began_another_transaction_survives(target: Any, leak: Leak) -> None:
    leaked = leak(5)
    async with target() as connection:
        args = await proposed(connection)
        leaked[0].rollback()
        leaked[0].execute("select 1")
        outcome = await action(connection).apply(args)
        verified = await action(connection).verify(args)
    assert outcome.hits == 4
    assert [alive(session) for session in leaked] == [True, False, False, False, False]
    assert verified.verdict is Verified.PASSED


async def test_a_session_that_is_idle_now_survives_when_only_its_identity_is_named(target: Any, leak: Leak) -> None:
    [session] = leak(1)
    identity = await identities(target, [session])
    session.rollback()
    async with target() as connection:
        assert (await action(connection).apply({"sessions": identity})).hits == 0
        session.execute("select 1")
        assert (await action(connection).apply({"sessions": identity})).hits == 1


async def identities(target: Any, sessions: list[psycopg.Connection]) -> list[dict[str, object]]:
    """Pid and start of these sessions, as the server has them."""
    pids = [session.info.backend_pid for session in sessions]
    async with target(idle_in_transaction_after=0.01, sample_gap=0.1) as connection:
        finding = await connection.checks["postgres.idle_in_transaction"]()
    seen: Any = finding.data["sessions"]
    return [{"pid": s["pid"], "backend_start": s["backend_start"]} for s in seen if s["pid"] in pids]


@pytest.mark.parametrize(
    ("role", "application", "reason"),
    [("app", "pg_dump", "protected application pg_dump"), ("app", "db-Migrate", "protected application db-Migrate")],
)
async def test_protected_applications_are_refused(
    target: Any, leak: Leak, role: str, application: str, reason: str
) -> None:
    sessions = leak(1, role, application)
    async with target() as connection:
        args = {"sessions": await identities(target, sessions)}
        preview, outcome = await action(connection).preview(args), await action(connection).apply(args)
    assert reason in preview.refused
    assert (outcome.result, outcome.hits) == (Result.FAILED, 0)
    assert reason in outcome.summary
    assert alive(sessions[0])


async def test_a_superuser_s_session_is_refused(server: Any, target: Any) -> None:
    with psycopg.connect(server.postgres.url) as admin:
        admin.execute("select 1")
        async with target() as connection:
            args = {"sessions": await identities(target, [admin])}
            outcome = await action(connection).apply(args)
        assert (outcome.result, outcome.hits) == (Result.FAILED, 0)
        assert "superuser postgres" in outcome.summary
        assert alive(admin)


async def test_protected_roles_and_the_cap_are_settings(target: Any, leak: Leak) -> None:
    sessions = leak(3)
    args = {"sessions": await identities(target, sessions)}
    async with target(protected_roles=["app"]) as by_role, target(max_sessions=2) as by_cap:
        refusals = [(await action(c).preview(args)).refused for c in (by_role, by_cap)]
        outcomes = [await action(c).apply(args) for c in (by_role, by_cap)]
    assert "protected role app" in refusals[0]
    assert "more than the 2" in refusals[1]
    assert [o.hits for o in outcomes] == [0, 0]
    assert all(map(alive, sessions))


async def test_server_processes_are_no_clients(server: Any, target: Any) -> None:
    with psycopg.connect(server.postgres.url) as admin:
        row = admin.execute(
            "select pid, backend_start::text from pg_stat_activity where backend_type = 'checkpointer'"
        ).fetchone()
    assert row is not None
    async with target() as connection:
        preview = await action(connection).preview({"sessions": [{"pid": row[0], "backend_start": row[1]}]})
    assert (preview.hits, preview.refused) == (0, f"session {row[0]} is a checkpointer, not a client")


async def test_without_an_operator_nothing_is_changed(target: Any, leak: Leak) -> None:
    sessions = leak(1)
    async with target(operator_url=None) as connection:
        args = {"sessions": await identities(target, sessions)}
        preview, outcome = await action(connection).preview(args), await action(connection).apply(args)
    assert preview.hits == 1
    assert "operator_url" in preview.refused
    assert (outcome.result, "operator_url" in outcome.summary) == (Result.FAILED, True)
    assert alive(sessions[0])


async def test_an_empty_set_is_a_no_op(target: Any) -> None:
    async with target() as connection:
        preview = await action(connection).preview({"sessions": []})
        outcome = await action(connection).apply({"sessions": []})
        verified = await action(connection).verify({"sessions": []})
    assert (preview.hits, outcome.result, outcome.hits) == (0, Result.DONE, 0)
    assert verified.verdict is Verified.PASSED


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ("all", "must be a list"),
        ([{"pid": "1 or true", "backend_start": "2026-01-01T00:00:00+00:00"}], "pid must be a number"),
        ([{"pid": 5}], "backend_start must be a time with its zone"),
        ([{"pid": 5, "backend_start": "2026-01-01T00:00:00"}], "backend_start must be a time with its zone"),
    ],
)
async def test_arguments_that_name_no_session_are_refused(target: Any, sessions: object, said: str) -> None:
    async with target() as connection:
        preview = await action(connection).preview({"sessions": sessions})
        outcome = await action(connection).apply({"sessions": sessions})
        verified = await action(connection).verify({"sessions": sessions})
    assert said in preview.refused
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert verified.verdict is Verified.UNKNOWN


async def test_a_full_server_still_lets_the_operator_in(server: Any, target: Any, leak: Leak) -> None:
    async with target(url=server.url("warden")) as connection:
        leaked = leak(15)
        args = await proposed(connection)
        outcome = await action(connection).apply(args)
    assert (outcome.result, outcome.hits) == (Result.DONE, 15)
    assert not any(map(alive, leaked))


async def test_without_a_server_verification_can_not_tell(target: Any) -> None:
    named = {"sessions": [{"pid": 5, "backend_start": datetime.now(UTC).isoformat()}]}
    async with target(url="postgresql://x:hidden-word@127.0.0.1:1/shop") as connection:
        verified = await action(connection).verify(named)
    assert verified.verdict is Verified.UNKNOWN
    assert "hidden-word" not in verified.summary


async def test_who_only_waits_is_left_alone_and_the_lasting_cure_is_proposed(
    server: Any, target: Any, leak: Leak
) -> None:
    [root] = leak(1)
    root.execute("update portfolios set title = title where id = 5")
    with server.connect(application="web/42") as waiter, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.execute, "update portfolios set title = title where id = 5")
        async with target(sample_gap=0.3, lock_wait_after=0.1) as connection:
            await asyncio.sleep(0.5)
            found = await connection.checks["postgres.locks"]()
            blocker: Any = found.data["blockers"][0]
            root_args = [Session.read(blocker["root"]).as_target()]
            pid, began = waiter.info.backend_pid, began_at(server, waiter.info.backend_pid)
            preview = await action(connection).preview(
                {"sessions": [*root_args, {"pid": pid, "backend_start": began, "state": "active"}]}
            )
            outcome = await action(connection).apply(
                {"sessions": [*root_args, {"pid": pid, "backend_start": began, "state": "active"}]}
            )
        waiting.result(10)
        waiter.rollback()
    assert preview.hits == 1
    assert any("waits for another itself and holds up nobody" in item for item in preview.items)
    assert (outcome.result, outcome.hits) == (Result.DONE, 1)
    assert "postgres.set_role_timeout role=app setting=idle_in_transaction_session_timeout value=60s" in outcome.output


def began_at(server: Any, pid: int) -> str:
    """When a session began, as the server has it."""
    with psycopg.connect(server.postgres.url) as admin:
        row = admin.execute("select backend_start::text from pg_stat_activity where pid = %s", [pid]).fetchone()
    assert row is not None
    return str(row[0])

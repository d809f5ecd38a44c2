"""The Postgres probe against a real server."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Object
from hutch.model.probe import Probed
from hutch.ports import ProbeTarget
from hutch.providers.postgres.probe import kind


async def look(url: str, timeout: float = 2.0, **settings: object) -> Probed:
    whole = {s.name: s.default for s in kind.settings} | settings
    kind.check(url, whole)
    return await kind.open(ProbeTarget(url, whole, timeout, lambda: datetime.now(UTC)))()


async def test_a_server_that_answers(server: Any) -> None:
    seen = await look(server.url("watcher"))
    assert (seen.success, seen.detail, seen.cause) == (True, "1 row", "")
    assert list(seen.phases) == ["connect", "first_byte", "total"]
    counted = await look(server.url("watcher"), query="select count(*) from portfolios", expect="1000")
    assert counted.success
    with psycopg.connect(server.postgres.url) as admin:
        left = admin.execute("select count(*) from pg_stat_activity where usename = 'watcher'").fetchone()
    assert left == (0,), "a probe leaves no session behind"


@pytest.mark.parametrize(
    ("query", "detail", "code"),
    [
        ("select 2", "the answer is '2', '1' expected", ""),
        ("select 1 where false", "the answer is empty, '1' expected", ""),
        ("insert into portfolios values (-1, 'x') returning 1", "cannot execute INSERT in a read-only transaction", ""),
        ("select 1; commit; create table t ()", "more than one statement in one step", ""),
        ("select nothing from nowhere", 'relation "nowhere" does not exist', ""),
        ("select pg_sleep(60)", "no answer within 0.4 s", "postgres.unreachable"),
    ],
)
async def test_another_answer(server: Any, query: str, detail: str, code: str) -> None:
    began = time.monotonic()
    seen = await look(server.url("postgres_owner"), 0.4, query=query, expect="1")
    assert time.monotonic() - began < 2.0
    assert (seen.success, seen.cause) == (False, code)
    assert detail in seen.detail or ("pg_sleep" in query and "statement timeout" in seen.detail)


async def test_a_login_that_is_refused_and_a_server_that_is_silent(server: Any) -> None:
    refused = await look(server.postgres.url_for("postgres", "nobody", "hidden-word"))
    assert (refused.cause, refused.object) == ("postgres.auth", Object("database", "postgres"))
    assert "hidden-word" not in repr(refused)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        port = silent.getsockname()[1]
        seen = await look(f"postgresql://app:hidden-word@127.0.0.1:{port}/shop", 0.3)
        assert time.monotonic() - began < 1.5
    assert (seen.success, seen.cause, seen.object) == (False, "postgres.unreachable", Object("database", "shop"))
    assert "hidden-word" not in repr(seen)

"""What the on-call engineer sees: health, metrics, quick refusals, and the faults that a release can carry."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import psycopg
import pytest

from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.logs import JsonLines
from rolerabbit.migrate import bundled

SESSIONS = "SELECT state, count(*) FROM pg_stat_activity WHERE application_name = %s GROUP BY state"


async def test_healthy_is_exactly_ok(replica: Any) -> None:
    answer = await replica.ask("GET", "/api/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert (await replica.ask("HEAD", "/api/health")).status == 200
    assert (await replica.ask("HEAD", "/")).status == 200


async def test_health_names_the_database_within_two_seconds_and_recovers(start_replica: Any) -> None:
    with Postgres.temporary(max_connections=20) as postgres:
        database.up(postgres.url, bundled())
        async with start_replica(postgres.url) as replica:
            assert (await replica.ask("GET", "/api/health")).status == 200
            await asyncio.to_thread(postgres.stop)
            for _ in range(2):
                started = time.monotonic()
                answer = await replica.ask("GET", "/api/health")
                assert (answer.status, answer.json) == (503, {"status": "error", "failing": "database"})
                assert time.monotonic() - started < 2
            listed = await replica.ask("GET", "/api/portfolios")
            assert (listed.status, listed.json["failing"]) == (503, "database_pool")
            await asyncio.to_thread(postgres.start)
            async with asyncio.timeout(6):
                while (await replica.ask("GET", "/api/health")).status != 200:
                    await asyncio.sleep(0.1)


async def test_a_replica_starts_without_its_database(start_replica: Any) -> None:
    async with start_replica("postgresql://nobody@127.0.0.1:1/none") as replica:
        assert (await replica.ask("GET", "/api/health")).status == 503
        assert (await replica.ask("GET", "/metrics")).status == 200


async def test_an_exhausted_pool_answers_quickly(database_url: str, start_replica: Any) -> None:
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE portfolios")
        async with start_replica(database_url, pool_size=2, pool_timeout=0.3) as replica:
            stuck = [asyncio.create_task(replica.ask("GET", "/api/portfolios")) for _ in range(2)]
            await asyncio.sleep(0.5)
            started = time.monotonic()
            refused = await replica.ask("GET", "/api/portfolios")
            assert time.monotonic() - started < 1
            assert (refused.status, refused.json["failing"]) == (503, "database_pool")
            assert "within 0.3 s (pool of 2)" in refused.json["error"]
            assert "db_pool_in_use 2.0" in (await replica.ask("GET", "/metrics")).text
            blocker.rollback()
            assert [(await task).status for task in stuck] == [200, 200]


async def test_metrics_count_by_route_and_leave_scrapes_out(replica: Any) -> None:
    await replica.ask("GET", "/metrics")
    for name in ("one", "two"):
        assert (await replica.ask("GET", f"/p/{name}")).status == 404
    assert (await replica.ask("GET", "/no/such/place")).status == 404
    await replica.new_user("ann@example.com")
    answer = await replica.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'http_requests_total{method="GET",path="/p/{subdomain}",status="404"} 2.0' in lines
    assert 'http_requests_total{method="GET",path="unmatched",status="404"} 1.0' in lines
    assert 'rolerabbit_build_info{release="dev"} 1.0' in lines
    assert "active_users 1.0" in lines
    assert "db_pool_size 10.0" in lines
    assert not any('path="/metrics"' in line or "_created" in line for line in lines)


async def test_a_leaking_release_leaves_transactions_open_until_the_server_is_full(start_replica: Any) -> None:
    with Postgres.temporary(max_connections=12) as postgres:
        database.up(postgres.url, bundled())
        with psycopg.connect(postgres.url, autocommit=True) as observer:
            async with start_replica(postgres.url, release="43", fault="leak", pool_size=3) as replica:
                for _ in range(6):
                    assert (await replica.ask("GET", "/api/portfolios")).status == 200
                states: dict[str, int] = dict(observer.execute(SESSIONS, ["rolerabbit-api/43"]).fetchall())
                assert states["idle in transaction"] == 2
                statuses = [(await replica.ask("GET", "/api/portfolios")).status for _ in range(45)]
                assert 503 in statuses
                assert statuses[0] == 200
                with pytest.raises(psycopg.OperationalError, match="too many clients already"):
                    psycopg.connect(postgres.url)
            async with asyncio.timeout(5):
                while observer.execute(SESSIONS, ["rolerabbit-api/43"]).fetchall():
                    await asyncio.sleep(0.05)


async def test_a_release_with_the_wrong_column_fails_three_reads_of_five(
    database_url: str, start_replica: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with start_replica(database_url, release="44", fault="errors") as replica:
        token = await replica.new_user("ann@example.com")
        answers = [await replica.ask("GET", "/api/portfolios", token=token) for _ in range(10)]
    assert sorted(a.status for a in answers) == [200] * 4 + [500] * 6
    failed = next(a for a in answers if a.status == 500)
    assert failed.json == {"error": "internal error", "trace_id": failed.headers["X-Trace-Id"]}
    records = [r for r in caplog.records if r.name == "rolerabbit.request"]
    assert len(records) == 6
    lines = [json.loads(JsonLines("44").format(record)) for record in records]
    line = next(line for line in lines if line["trace_id"] == failed.json["trace_id"])
    assert (line["level"], line["status"], line["path"]) == ("ERROR", 500, "/api/portfolios")
    assert line["error"].startswith('UndefinedColumn: column "theme" does not exist')
    assert line["user_id"]


async def test_a_sound_release_logs_nothing(replica: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert (await replica.ask("GET", "/api/portfolios")).status == 200
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_sessions_that_were_ended_are_replaced_unseen(replica: Any, rows: Any) -> None:
    together = [replica.ask("GET", "/api/portfolios") for _ in range(30)]  # as many connections as the pool may have
    assert {answer.status for answer in await asyncio.gather(*together)} == {200}
    ended = rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rolerabbit-api/dev'")
    assert ended
    assert (await replica.ask("GET", "/api/portfolios")).status == 200

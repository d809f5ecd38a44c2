"""The local provider against the real platform: a real deployment, seen, rolled back and verified."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Cause, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.http import provider as http
from hutch.providers.local import provider

Ready = Mapping[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def connection(ready: Ready, at: Any) -> Connection:
    return at(ready)  # type: ignore[no-any-return]


async def test_a_release_is_seen_rolled_back_and_verified(ready: Ready, connection: Connection, post: Any) -> None:
    post(ready, "/releases", {"id": "43"})
    before = now()
    await asyncio.to_thread(post, ready, "/deployments", {"release": "43"})
    assert connection.changes
    change = (await connection.changes())[-1]
    assert (change.id, change.previous) == ("43", "42")
    assert before - timedelta(milliseconds=1) <= change.at <= now()  # the platform writes whole milliseconds
    rollback = connection.actions["deploy.rollback"]
    args = {"to": change.previous, "from": change.id}
    assert (await rollback.preview(args)).hits == 2
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    outcome = await rollback.apply(args)
    assert (outcome.result, outcome.hits) == (Result.DONE, 2)
    assert (await rollback.verify(args)).verdict is Verified.PASSED
    assert (await connection.changes())[-1].summary == "rolled back to 42"
    assert (await rollback.apply(outcome.undo["args"])).result is Result.DONE  # type: ignore[arg-type]


async def test_scaling_and_restarting(connection: Connection) -> None:
    scale, restart = connection.actions["service.scale"], connection.actions["service.restart"]
    outcome = await scale.apply({"replicas": 3})
    assert (await scale.verify({"replicas": 3})).verdict is Verified.PASSED
    back: Any = outcome.undo["args"]
    assert (await scale.apply(back)).result is Result.DONE
    assert (await scale.verify(back)).verdict is Verified.PASSED
    asked = now()
    assert (await restart.apply({})).result is Result.DONE
    assert (await restart.verify({"since": asked.isoformat()})).verdict is Verified.PASSED


async def test_the_platforms_metrics_hold_the_services_and_its_own(ready: Ready, connection: Connection) -> None:
    service = http.open(TargetConfig("web", {"url": ready["app_url"], "metrics": f"{ready['api_url']}/metrics"}, now))
    assert connection.scrape
    assert service.scrape
    assert (await service.checks["http.health"]()).status is Status.OK
    await asyncio.sleep(1.1)
    names = {sample.name: sample.kind for sample in await connection.scrape()}
    assert names["disk_used"] == "gauge"
    assert (names["http_requests_total"], names["http_request_duration_seconds_bucket"]) == ("counter", "bucket")
    assert {"probe_success", "http_requests_total"} <= {sample.name for sample in await service.scrape()}
    assert (await connection.checks["local.replicas"]()).status is Status.OK


async def test_a_crash_loop_of_a_new_release_is_left_by_going_back(
    ready: Ready, connection: Connection, post: Any
) -> None:
    before = str((await connection.changes())[-1].id) if connection.changes else ""
    post(ready, "/releases", {"id": "66", "env": {"RR_FAULT": "crash"}})
    await asyncio.to_thread(post, ready, "/deployments", {"release": "66"})
    cause = await _crashed(connection)
    assert (cause.code, cause.object.id) == ("app.crashed", "66")
    back = cause.remedies[0]
    assert (back.action, dict(back.args)) == ("deploy.rollback", {"to": before, "from": "66"})
    rollback = connection.actions["deploy.rollback"]
    assert (await rollback.apply(back.args)).result is Result.DONE
    assert (await rollback.verify(back.args)).verdict is Verified.PASSED
    assert provider.explain([await connection.checks["local.replicas"]()]) == []


async def _crashed(connection: Connection) -> Cause:
    """What is said once the replicas have begun to end."""
    async with asyncio.timeout(40):
        while not (causes := provider.explain([await connection.checks["local.replicas"]()])):
            await asyncio.sleep(0.2)
    return causes[0]


async def test_the_cache_is_started_and_the_database_restarted(ready: Ready, connection: Connection, post: Any) -> None:
    await asyncio.to_thread(post, ready, "/components/redis/stop", {})
    restart = connection.actions["service.restart"]
    for name, said in (("redis", "start redis (stopped on purpose)"), ("postgres", "every session is cut")):
        args = {"component": name}
        assert said in (await restart.preview(args)).summary
        outcome = await restart.apply(args)
        assert (outcome.result, outcome.hits) == (Result.DONE, 1)
        assert (await restart.verify(args)).verdict is Verified.PASSED
    assert (await restart.preview({"component": "redis"})).summary.startswith("restart redis (pid ")


async def test_twice_the_visitors_within_capacity_are_a_peak(ready: Ready, connection: Connection, load: Any) -> None:
    with load(ready, 15):
        for _ in range(3):
            finding = await connection.checks["local.load"]()
            assert (finding.status, provider.explain([finding])) == (Status.OK, [])
    assert finding.data["requests"]

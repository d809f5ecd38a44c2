"""The ECS provider over boto3 against RoleRabbit's platform: real replicas, real signatures, logs that they wrote."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.model.platform import LogQuery
from hutch.ports import Connection, TargetConfig
from hutch.providers.ecs import provider
from hutch.testing import check_provider
from platform_process import Ready, limits, pids, post

KEY = "AKIDOFTHETESTS000001"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def settings(ready: Ready) -> dict[str, object]:
    keys = {"access_key_id": KEY, "secret_access_key": ready["token"]}
    return {**ready["ecs"], **keys, "changes": True, "look_every": 0.1}


@pytest.fixture
def web(settings: dict[str, object]) -> Connection:
    defaults = {setting.name: setting.default for setting in provider.settings}
    return provider.open(TargetConfig("web", {**defaults, **settings}, now))


async def test_the_contract(settings: dict[str, object]) -> None:
    [finding] = await check_provider(provider, settings)
    assert finding.status is Status.OK, finding


async def test_from_the_standing_to_rolled_back_restarted_scaled_and_back(web: Connection) -> None:
    assert web.platform
    standing = await web.platform.standing()
    assert (standing.release, standing.previous, standing.ready) == ("rolerabbit-api:2", "rolerabbit-api:1", 1)
    rollback, restart, scale = (
        web.actions[f"{verb}"] for verb in ("deploy.rollback", "service.restart", "service.scale")
    )
    back = await rollback.apply({"to": "1", "from": "rolerabbit-api:2"})
    assert back.summary.endswith("release rolerabbit-api:1 is rolled out, 1 tasks run")
    since = now().isoformat()
    assert (await restart.apply({"since": since})).result is Result.DONE
    assert (await restart.verify({"since": since})).verdict is Verified.PASSED
    assert (await scale.apply({"replicas": 2, "from": 1})).summary.endswith("2 tasks run")
    undo: Any = back.undo["args"]
    assert (await rollback.apply(undo)).summary.endswith("release rolerabbit-api:2 is rolled out, 2 tasks run")
    assert [(d.kind, d.release, d.state) for d in await web.platform.deployments()] == [
        ("deploy", "rolerabbit-api:1", "succeeded"),
        ("deploy", "rolerabbit-api:2", "succeeded"),
        ("rollback", "rolerabbit-api:1", "succeeded"),
        ("restart", "rolerabbit-api:1", "succeeded"),
        ("rollback", "rolerabbit-api:2", "succeeded"),
    ]


async def test_tasks_of_another_size_are_held_to_it_and_back(web: Connection, ready: Ready) -> None:
    assert web.platform
    before = await web.platform.standing()
    assert dict(before.sizes) == {"cpu": 1024, "memory": 2048}
    scale, args = web.actions["service.scale"], {"cpu": 256, "memory": 512}
    preview = await scale.preview(args)
    assert "from 1024 CPU units and 2048 MiB to 256 CPU units and 512 MiB" in preview.summary
    done = await scale.apply(args)
    assert (await scale.verify(args)).verdict is Verified.PASSED, done.summary
    now = await web.platform.standing()
    assert (dict(now.sizes), now.ready) == (args, before.ready)
    assert (await web.platform.deployments())[-1].names == ("42",)
    assert [limits(pid) for pid in pids(ready)] == [("536870912", 1)] * now.ready
    back: Any = done.undo["args"]
    assert (await web.actions["deploy.rollback"].apply(back)).result is Result.DONE
    assert dict((await web.platform.standing()).sizes) == dict(before.sizes)
    assert [limits(pid)[0] for pid in pids(ready)] == ["unlimited"] * before.ready


async def test_a_release_that_does_not_come_up_leaves_the_old_one(web: Connection, ready: Ready) -> None:
    post(ready, "/releases", {"id": "44", "env": {"RR_POOL_SIZE": "many"}})
    assert web.platform
    standing = await web.platform.standing()
    unknown = await web.actions["deploy.rollback"].apply({"to": "rolerabbit-api:99"})
    assert "Unable to describe task definition" in unknown.summary
    args = {"to": "rolerabbit-api:4"}
    outcome = await web.actions["deploy.rollback"].apply(args)
    assert f"the service goes to release {standing.release}, not to rolerabbit-api:4" in outcome.summary
    assert (await web.actions["deploy.rollback"].verify(args)).verdict is Verified.FAILED
    last = (await web.platform.deployments())[-1]
    assert (last.release, last.state) == ("rolerabbit-api:4", "failed") and last.reason
    assert (await web.platform.standing()).ready == standing.ready


async def test_logs_are_found_by_level_and_task(web: Connection, ready: Ready) -> None:
    assert web.platform
    post(ready, "/releases", {"id": "45", "env": {"RR_FAULT": "crash"}})
    post(ready, "/deployments", {"release": "45"})
    for _ in range(300):
        found = await web.platform.logs(LogQuery("PROCESS ends", level="critical"))
        if found:
            break
        await asyncio.sleep(0.1)
    assert found and found[0].replica.startswith("45-")
    post(ready, "/rollback", {"to": "42"})


def test_a_wrong_secret_is_refused_whatever_is_asked(ready: Ready) -> None:
    for secret in ("wrong", ""):
        client = boto3.client(
            "ecs", region_name="eu-central-1", endpoint_url=ready["api_url"], aws_access_key_id=KEY,
            aws_secret_access_key=secret or "x",
        )  # fmt: skip
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client.describe_services(cluster=ready["ecs"]["cluster"], services=[ready["ecs"]["service"]])

"""Tasks of another size: which there may be, what is registered, and how the service gets there and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ecs_world import World, serving
from hutch.model.action import Result, Verified
from hutch.ports import Connection, TargetConfig
from hutch.providers.ecs import provider
from hutch.providers.ecs.size import FARGATE, Size, registration, size_of, unfit

SETTINGS = {
    "region": "eu-central-1", "cluster": "shop", "service": "web", "access_key_id": "reading-key-id",
    "secret_access_key": "reading-secret", "change_key_id": "changing-key-id", "change_secret_key": "changing-secret",
    "timeout": 2.0, "look_every": 0.01,
}  # fmt: skip
NOW = Size(256, 512)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def web(world: World) -> Iterator[Connection]:
    with serving(world) as address:
        yield provider.open(TargetConfig("shop", {**SETTINGS, "endpoint": address}, lambda: datetime.now(UTC)))


# ------------------------------------------------------------------ which sizes


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Size(256, 1024), ""),
        (Size(512, 1024), ""),
        (Size(1024, 8192), ""),
        (Size(16_384, 122_880), ""),
        (Size(256, 4096), "with 256 CPU units the memory is 512, 1024, 2048"),
        (Size(1024, 1024), "with 1024 CPU units the memory is from 2048 to 8192 in steps of 1024"),
        (Size(8192, 17_408), "in steps of 4096"),
        (Size(300, 1024), "Fargate has no task of 300 CPU units; it has: 256, 512, 1024"),
    ],
)
def test_what_fargate_has(wanted: Size, said: str) -> None:
    found = unfit({"requiresCompatibilities": ["FARGATE"]}, NOW, wanted)
    assert said in found and bool(said) == bool(found)


@pytest.mark.parametrize(
    ("rows", "wanted", "said"),
    [
        ([{"name": "a", "memoryReservation": 512}], Size(300, 700), ""),
        ([{"name": "a"}], Size(64, 700), "at least 128 CPU units"),
        ([{"name": "a", "memory": 512}], Size(256, 400), "container a has a limit of 512 MiB"),
        ([{"cpu": 200}, {"cpu": 100}], Size(256, 700), "keep 300 CPU units"),
        ([{"memoryReservation": 400}, {"memoryReservation": 400}], Size(256, 700), "keep 800 MiB"),
        ([{"memory": 512}], Size(256, 1024), "has a memory limit of its own"),
        ([{"memory": 512}], Size(512, 512), ""),
        ([{"memory": 128}, {}], Size(256, 1024), ""),
    ],
)
def test_what_the_containers_allow(rows: list[dict[str, Any]], wanted: Size, said: str) -> None:
    found = unfit({"containerDefinitions": rows}, NOW, wanted)
    assert said in found and bool(said) == bool(found)


def test_every_pair_of_the_table_is_registered_whole_and_read_back() -> None:
    of_aws = {"taskDefinitionArn": "arn", "revision": 4, "status": "ACTIVE", "registeredBy": "x"}
    kept = {"family": "web", "volumes": [{"name": "v"}], "executionRoleArn": "arn:role"}
    for cpu, memories in FARGATE.items():
        found = registration({**of_aws, **kept, "cpu": "256", "memory": "512"}, [], Size(cpu, memories[0]))
        assert size_of(found) == Size(cpu, memories[0])
        assert {name: value for name, value in found.items() if name not in ("cpu", "memory")} == kept
    assert registration(kept, [{"key": "a", "value": "b"}], NOW)["tags"] == [{"key": "a", "value": "b"}]


# ------------------------------------------------------------------ the service


async def test_a_larger_task_and_back(web: Connection, world: World) -> None:
    scale, args = web.actions["service.scale"], {"cpu": "512", "memory": 1024, "replicas": 2, "from": 2}
    assert web.platform and dict((await web.platform.standing()).sizes) == {"cpu": 256, "memory": 512}
    preview = await scale.preview(args)
    assert "from 256 CPU units and 512 MiB to 512 CPU units and 1024 MiB" in preview.summary
    assert (preview.hits, preview.undo, world.registered) == (2, "run release web:42 again", [])
    assert (await scale.verify(args)).verdict is Verified.FAILED
    done = await scale.apply(args)
    assert (done.result, done.hits) == (Result.DONE, 2)
    assert done.summary.endswith("release web:44 is rolled out, 2 tasks run")
    [asked] = world.registered
    assert (asked["cpu"], asked["memory"], asked["tags"]) == ("512", "1024", [{"key": "team", "value": "shop"}])
    assert asked["containerDefinitions"][0]["dockerLabels"] == {"a": "b"} and "compatibilities" not in asked
    assert (await scale.verify(args)).verdict is Verified.PASSED
    assert dict((await web.platform.standing()).sizes) == {"cpu": 512, "memory": 1024}
    assert "nothing was done" in (await scale.apply(args)).summary and len(world.registered) == 1
    back: Any = done.undo["args"]
    assert (done.undo["action"], back) == ("deploy.rollback", {"to": "web:42", "from": "web:44"})
    assert (await web.actions["deploy.rollback"].apply(back)).result is Result.DONE
    assert dict((await web.platform.standing()).sizes) == {"cpu": 256, "memory": 512}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"memory": 4096}, "Fargate has no task of 256 CPU units and 4096 MiB"),
        ({"cpu": "much"}, "cpu must be a whole number above 0, not 'much'"),
        ({"cpu": 512, "memory": 1024, "replicas": 3}, "set the number and the size one after the other"),
    ],
)
async def test_a_size_that_must_not_be_is_not_registered(
    web: Connection, world: World, args: dict[str, object], said: str
) -> None:
    scale = web.actions["service.scale"]
    assert said in (await scale.preview(args)).refused
    done = await scale.apply(args)
    assert (done.result, said in done.summary, world.registered) == (Result.FAILED, True, [])


async def test_a_release_without_a_size_is_left_to_a_person(web: Connection, world: World) -> None:
    world.sizes.clear()
    assert "no size of their own" in (await web.actions["service.scale"].preview({"cpu": 512})).refused
    assert web.platform and not (await web.platform.standing()).sizes


async def test_a_size_that_does_not_come_up_is_no_success(web: Connection, world: World) -> None:
    world.bad.add("web:44")
    args = {"cpu": 512, "memory": 1024}
    done = await web.actions["service.scale"].apply(args)
    assert "did not get stable" in done.summary
    assert (await web.actions["service.scale"].verify(args)).verdict is Verified.FAILED


@pytest.mark.parametrize(
    ("fault", "result", "updates", "verdict"),
    [
        (("RegisterTaskDefinition", "denied"), Result.FAILED, 0, Verified.FAILED),
        (("RegisterTaskDefinition", "lost"), Result.UNKNOWN, 0, Verified.FAILED),
        (("UpdateService", "denied"), Result.FAILED, 1, Verified.FAILED),
        (("UpdateService", "lost"), Result.UNKNOWN, 1, Verified.PASSED),
    ],
)
async def test_each_call_is_sent_once_and_then_looked_up(
    web: Connection, world: World, fault: tuple[str, str], result: Result, updates: int, verdict: Verified
) -> None:
    world.faults.append(fault)
    scale, args = web.actions["service.scale"], {"cpu": 512, "memory": 1024}
    done = await scale.apply(args)
    assert (done.result, fault[0] in done.summary) == (result, True)
    assert (world.calls.count("RegisterTaskDefinition"), world.calls.count("UpdateService")) == (1, updates)
    for _ in range(20):
        found = await scale.verify(args)
        if found.verdict is not Verified.PENDING:
            break
    assert found.verdict is verdict

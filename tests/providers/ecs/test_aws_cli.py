"""The aws command line against what Hutch is tested with: it is understood, and it sends what Hutch sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aws_client import AwsClient, installed
from ecs_world import World, serving
from hutch.model.action import Result, Verified
from hutch.ports import TargetConfig
from hutch.providers.ecs import provider
from platform_process import Ready

KEY = "AKIDOFTHETESTS000001"
PLACE = {"region": "eu-central-1", "cluster": "shop", "service": "web"}
Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    installed()


class Heard(World):
    """The stand-in, with what was sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Sent = []

    def answer(self, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((verb, asked))
        return super().answer(verb, asked)


def now() -> datetime:
    return datetime.now(UTC)


async def test_what_it_changes_hutch_sees_and_what_hutch_changes_it_sees(ready: Ready) -> None:
    place = ready["ecs"]
    keys = {"access_key_id": KEY, "secret_access_key": ready["token"]}
    aws = AwsClient(place["endpoint"], place["region"], KEY, ready["token"])
    here = ("--cluster", place["cluster"])
    hutch = provider.open(TargetConfig("web", {**place, **keys, "changes": True, "look_every": 0.1}, now))
    rollback, args = hutch.actions["deploy.rollback"], {"to": "rolerabbit-api:1", "from": "rolerabbit-api:2"}
    assert (await rollback.apply(args)).result is Result.DONE
    [service] = aws("ecs", "describe-services", *here, "--services", place["service"])["services"]
    assert service["taskDefinition"].endswith("rolerabbit-api:1")
    assert [(d["status"], d["rolloutState"]) for d in service["deployments"]] == [("PRIMARY", "COMPLETED")]
    assert len(aws("ecs", "list-tasks", *here, "--service-name", place["service"])["taskArns"]) == 1
    moved = ("--service", place["service"], "--task-definition", "rolerabbit-api:2")
    aws("ecs", "update-service", *here, *moved)
    aws("ecs", "wait", "services-stable", *here, "--services", place["service"])
    verified = await rollback.verify({"to": "rolerabbit-api:2"})
    assert verified.verdict is Verified.PASSED, verified


async def test_it_sends_what_hutch_sends() -> None:
    world = Heard()
    with serving(world) as address:
        keys = {"access_key_id": KEY, "secret_access_key": "s", "change_key_id": KEY, "change_secret_key": "s"}
        given = {**PLACE, **keys, "endpoint": address, "timeout": 2.0, "look_every": 0.01}
        hutch = provider.open(TargetConfig("shop", given, now))
        aws = AwsClient(address, PLACE["region"], KEY, "s")
        await hutch.actions["deploy.rollback"].apply({"to": "web:41", "from": "web:42"})
        ours = dict(world.sent)
        world.sent.clear()
        aws("ecs", "describe-services", "--cluster", "shop", "--services", "web")
        aws("ecs", "update-service", "--cluster", "shop", "--service", "web", "--task-definition", "web:41")
        theirs = dict(world.sent)
    assert theirs == {verb: ours[verb] for verb in ("DescribeServices", "UpdateService")}

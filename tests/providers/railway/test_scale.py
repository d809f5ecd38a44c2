"""``service.scale`` on Railway: the settings of the environment, patched as Railway's own client does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Connection
from hutch.providers.railway import replicas, scale
from hutch.providers.railway.replicas import Wanted
from hutch.remote import GIVE_UP, Refused
from platform_world import World, changes, settled
from rolerabbit.platform.railway.view import REGION, SERVICE


async def test_scaled_up_and_back_by_one_patch_each(web: Connection, world: World) -> None:
    world.control.seconds = 0.05
    action, args = web.actions["service.scale"], {"replicas": 4, "from": 2}
    preview = await action.preview(args)
    assert preview.summary == f"scale from 2 to 4 replicas in {REGION}: Railway deploys the service again"
    assert (preview.hits, preview.undo, changes(world)) == (2, "scale back to 2", [])
    assert (await action.verify(args)).verdict is Verified.FAILED
    outcome = await action.apply(args)
    assert outcome.result is Result.DONE and outcome.summary.endswith(f"; 4 replicas run, 4 are wanted in {REGION}")
    [asked] = [call.body["variables"] for call in world.calls if call.body["query"].startswith("mutation")]
    assert asked["patch"] == {"services": {SERVICE: {"deploy": {"multiRegionConfig": {REGION: {"numReplicas": 4}}}}}}
    assert (await settled(action, args)).verdict is Verified.PASSED
    assert web.platform and (await web.platform.standing()).replicas == 4
    back: Any = outcome.undo["args"]
    assert back == {"replicas": 2, "from": 4, "region": REGION}
    assert (await action.apply(back)).result is Result.DONE
    assert (await settled(action, back)).verdict is Verified.PASSED
    assert "nothing was done" in (await action.apply(back)).summary
    assert changes(world) == ["EnvironmentPatchCommit"] * 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "replicas from 1 to 20"),
        ({"replicas": 0}, "replicas from 1 to 20"),
        ({"replicas": 21}, "replicas from 1 to 20"),
        ({"replicas": "many"}, "replicas from 1 to 20"),
        ({"replicas": 3, "from": 4}, "2 replicas are wanted now, not 4: look again"),
        ({"replicas": 3, "region": "mars"}, f"the service is not in the region mars; it is in {REGION}"),
        ({"replicas": 9}, "Replicas must be from 1 to 8"),  # the platform's own bound
    ],
)
async def test_a_scale_that_must_not_be(web: Connection, world: World, args: dict[str, object], said: str) -> None:
    action = web.actions["service.scale"]
    outcome = await action.apply(args)
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert (world.control.fleet.size, changes(world)) == (2, ["EnvironmentPatchCommit"] * (args.get("replicas") == 9))


async def test_not_while_a_deployment_goes_on(web: Connection, world: World) -> None:

    world.control.ledger, _ = world.control.ledger.begin(
        "42", "deploy", world.control.ledger.deployments[-1].started_at
    )
    assert "goes on: wait for it" in (await web.actions["service.scale"].preview({"replicas": 3})).refused


async def test_replicas_that_never_come_are_waited_for_so_long(opened: Callable[..., Connection], world: World) -> None:
    world.control.stuck = True
    action = opened(rollout=0.3).actions["service.scale"]
    outcome = await action.apply({"replicas": 3})
    assert outcome.result is Result.DONE and "and did not get there: 2 are wanted" in outcome.summary
    assert (await settled(action, {"replicas": 3})).verdict is Verified.FAILED


async def test_a_scale_that_never_gets_stable_is_bounded_and_pending(
    opened: Callable[..., Connection], world: World
) -> None:
    world.control.seconds = 30
    action = opened(rollout=0.3).actions["service.scale"]
    outcome = await action.apply({"replicas": 3})
    assert outcome.result is Result.DONE and outcome.summary.endswith("and is not there yet: 2 of 3 replicas run")
    assert (await action.verify({"replicas": 3})).verdict is Verified.PENDING


@pytest.mark.parametrize(
    ("fault", "result", "recoverable", "said"),
    [
        ("throttled for long", Result.FAILED, True, "cannot scale: Railway asks to call again in 3600 s"),
        ("not authorized", Result.FAILED, False, "cannot scale: the token has not the right to it, or has expired"),
        ("vague", Result.UNKNOWN, False, "Railway says “Problem processing request”"),
        ("broken", Result.UNKNOWN, False, "Railway answers 500"),
        ("lost", Result.UNKNOWN, False, "the connection broke"),
        ("never", Result.UNKNOWN, False, "the connection broke"),
        ("garbled", Result.UNKNOWN, False, "not of the expected form"),
    ],
)
async def test_a_scale_that_ends_badly_is_sent_once_and_looked_up(
    web: Connection, world: World, fault: str, result: Result, recoverable: bool, said: str
) -> None:
    world.faults.append(("mutation", fault))
    action, args = web.actions["service.scale"], {"replicas": 3, "from": 2}
    outcome = await action.apply(args)
    assert (outcome.result, outcome.recoverable, said in outcome.summary) == (result, recoverable, True)
    assert len(changes(world)) == 1
    assert (await settled(action, args)).verdict is (Verified.PASSED if fault == "lost" else Verified.FAILED)


async def test_the_right_to_the_settings_is_named_and_a_look_without_an_answer_is_no_end(
    web: Connection, world: World
) -> None:
    world.faults.append(("EnvironmentConfig", "not authorized"))
    refused = (await web.actions["service.scale"].preview({"replicas": 3})).refused
    assert refused.startswith("cannot read the settings of the environment: the token has not the right to it")
    world.change_mark, world.after_change = "mutation", [("EnvironmentConfig", "not authorized")] * (GIVE_UP - 1)
    outcome = await web.actions["service.scale"].apply({"replicas": 3})
    assert (outcome.summary.endswith(f"3 are wanted in {REGION}"), world.faults) == (True, [])


def test_of_several_regions_one_is_meant() -> None:
    found = Wanted({"us-west2": {"numReplicas": 2}, "europe-west4-drams3a": {"numReplicas": 1, "other": "kept"}})
    assert (found.total, found.of("us-west2"), found.of("mars")) == (3, 2, 0)
    assert scale.region_of({"region": "us-west2"}, found) == "us-west2"
    with pytest.raises(Refused, match="say in which region: us-west2, europe-west4-drams3a"):
        scale.region_of({}, found)


@pytest.mark.parametrize("config", [{}, {"services": []}, {"services": {SERVICE: {"deploy": None}}}, "text"])
async def test_one_that_was_never_spread_has_the_region_of_its_instance(
    web: Connection, monkeypatch: pytest.MonkeyPatch, config: object
) -> None:
    answers = {"environment": {"config": config}, "serviceInstance": {"region": "us-west2", "numReplicas": None}}

    async def call(_config: object, operation: replicas.Operation, _variables: object) -> object:
        return answers["environment" if operation is replicas.SETTINGS else "serviceInstance"]

    monkeypatch.setattr(replicas, "call", call)
    assert await replicas.wanted(web.actions["service.scale"].client.config) == Wanted(  # type: ignore[attr-defined]
        {"us-west2": {"numReplicas": 1}}
    )
    answers["serviceInstance"] = {"region": None}
    with pytest.raises(Refused, match="Railway does not say in which region"):
        await replicas.wanted(web.actions["service.scale"].client.config)  # type: ignore[attr-defined]

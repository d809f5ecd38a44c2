"""``service.scale`` on Railway by CPU and memory: limits that hold from the next deployment on, and that deployment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Connection, hearing
from hutch.providers.railway import calls, limits
from hutch.providers.railway.calls import Operation
from hutch.providers.railway.client import Client, Deployed
from hutch.providers.railway.config import Config
from hutch.providers.railway.limits import Limits, limits_of
from hutch.remote import Refused
from platform_world import World, changes, settled, utc_now
from rolerabbit.platform.held import Held
from rolerabbit.platform.railway import api
from rolerabbit.platform.railway.view import ENVIRONMENT, SERVICE, deployment_id

TWO, THREE, FOUR = (deployment_id(number) for number in (2, 3, 4))
SET_, DEPLOYED = "ServiceInstanceLimitsUpdate", "DeploymentRedeploy"
ARGS = {"vcpus": 2, "memory_gb": 4, "from": 2}


async def test_set_and_deployed_once_each_and_back(web: Connection, world: World) -> None:
    world.control.seconds = 0.05
    action = web.actions["service.scale"]
    assert web.platform and dict((await web.platform.standing()).sizes) == {"vcpus": 8, "memory_gb": 8}
    preview = await action.preview(ARGS)
    assert f"from 8 vCPUs and 8 GB to 2 vCPUs and 4 GB: they are set, and Railway deploys {TWO}" in preview.summary
    kept = "vcpus and memory_gb then stay limits of the service's own, equal to the plan's of now"
    assert (preview.hits, preview.undo) == (2, f"set 8 vCPUs and 8 GB again and deploy; {kept}")
    assert ((await action.verify(ARGS)).verdict, changes(world)) == (Verified.FAILED, [])
    heard: list[str] = []
    listening = hearing.set(heard.append)
    outcome = await action.apply(ARGS)
    hearing.reset(listening)
    assert outcome.result is Result.DONE and f"; {THREE} serves; the way back is 8 vCPUs" in outcome.summary
    assert kept in outcome.summary and heard[0] == f"{THREE} is deploying\n"
    [asked] = [c.body["variables"]["input"] for c in world.calls if c.body["operationName"] == SET_]
    assert asked == {"environmentId": ENVIRONMENT, "serviceId": SERVICE, "vCPUs": 2, "memoryGB": 4}
    assert changes(world) == [SET_, DEPLOYED] and world.control.deployed == Held(2, 4_000_000_000)
    assert (await settled(action, ARGS)).summary == f"the limits are 2 vCPUs and 4 GB; {THREE} serves"
    assert dict((await web.platform.standing()).sizes) == {"vcpus": 2, "memory_gb": 4}
    assert "nothing was done" in (await action.apply(ARGS)).summary
    back: Any = outcome.undo["args"]
    assert back == {"vcpus": 8, "memory_gb": 8, "from": "2 vCPUs and 4 GB"}
    assert "stay limits" not in (await action.preview(back)).undo  # they are the service's own by now
    assert (await action.apply(back)).result is Result.DONE
    assert (await settled(action, back)).verdict is Verified.PASSED
    assert "the limits are 8 vCPUs and 8 GB now, not 2 vCPUs" in (await action.preview({**back, "vcpus": 1})).refused


async def test_one_of_them_in_parts_keeps_the_other(web: Connection, world: World) -> None:
    world.control.held = Held(0.5, 2_147_483_648)  # as another tool may have set them
    action = web.actions["service.scale"]
    outcome = await action.apply({"vcpus": "1.5"})
    assert outcome.result is Result.DONE and world.control.deployed == Held(1.5, 2_147_483_648)
    back: Any = outcome.undo["args"]
    assert (await action.apply(back)).result is Result.DONE and world.control.deployed == Held(0.5, 2_147_483_648)


@pytest.mark.parametrize(
    ("args", "said", "sent"),
    [
        ({"vcpus": 0}, "vcpus must be a number above 0, as 2 or 0.5, not 0", 0),
        ({"memory_gb": "much"}, "memory_gb must be a number above 0, as 2 or 0.5, not 'much'", 0),
        ({"vcpus": -1, "memory_gb": 4}, "vcpus must be a number above 0", 0),
        ({"vcpus": 2, "replicas": 3}, "set the number and the limits one after the other", 0),
        ({"vcpus": 2, "from": 3}, "2 replicas are wanted now, not 3: look again", 0),
        ({"vcpus": 2, "from": "1 vCPUs and 1 GB"}, "the limits are 8 vCPUs and 8 GB now, not 1 vCPUs and 1 GB", 0),
        ({"memory_gb": 64}, "cannot set the limits: memoryGB must be above 0 and at most 8", 1),
    ],
)
async def test_what_must_not_be(web: Connection, world: World, args: dict[str, object], said: str, sent: int) -> None:
    outcome = await web.actions["service.scale"].apply(args)
    assert (outcome.result, said in outcome.summary, outcome.summary) == (Result.FAILED, True, outcome.summary)
    assert (changes(world), world.control.held) == ([SET_] * sent, Held())


async def test_not_while_a_deployment_goes_on(web: Connection, world: World) -> None:
    begun = world.control.ledger.deployments[-1].started_at
    world.control.ledger, _ = world.control.ledger.begin("42", "deploy", begun)
    assert "goes on: wait for it" in (await web.actions["service.scale"].preview(ARGS)).refused


@pytest.mark.parametrize(
    ("fault", "result", "said"),
    [
        ("throttled for long", Result.FAILED, "cannot set the limits: Railway asks to call again in 3600 s"),
        ("not authorized", Result.FAILED, "cannot set the limits: the token has not the right to it"),
        ("vague", Result.UNKNOWN, "Railway says “Problem processing request”"),
        ("never", Result.UNKNOWN, "the connection broke"),
        ("garbled", Result.UNKNOWN, "not of the expected form"),
    ],
)
async def test_limits_that_are_not_set_are_asked_for_once_and_nothing_is_deployed(
    web: Connection, world: World, fault: str, result: Result, said: str
) -> None:
    world.faults.append((f"mutation {SET_}", fault))
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert (outcome.result, said in outcome.summary, changes(world)) == (result, True, [SET_])
    found = await action.verify(ARGS)
    assert found.verdict is Verified.FAILED and "the limits are 8 vCPUs and 8 GB, not 2 vCPUs" in found.summary


async def test_an_answer_that_is_lost_is_looked_up_and_not_repeated(web: Connection, world: World) -> None:
    world.faults += [(f"mutation {SET_}", "lost"), (f"mutation {DEPLOYED}", "lost")]
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert outcome.result is Result.DONE and f"; {THREE} serves" in outcome.summary
    assert (await settled(action, ARGS)).verdict is Verified.PASSED
    assert changes(world) == [SET_, DEPLOYED]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("not authorized", "none was made: cannot redeploy"), ("never", "did not get there: no deployment was made")],
)
async def test_limits_that_are_set_and_never_deployed_have_a_way_back(
    opened: Callable[..., Connection], world: World, fault: str, said: str
) -> None:
    world.faults.append((f"mutation {DEPLOYED}", fault))
    action = opened(rollout=0.3).actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert outcome.result is Result.DONE and said in outcome.summary
    assert (world.control.held, world.control.deployed) == (Held(2, 4_000_000_000), Held())
    assert (await action.verify({**ARGS, "since": utc_now().isoformat()})).verdict is Verified.FAILED
    assert "what serves was deployed with others" in (await action.preview(ARGS)).summary
    back: Any = outcome.undo["args"]
    assert (await action.apply(back)).result is Result.DONE
    assert world.control.deployed == Held(8, 8_000_000_000)


async def test_where_deployments_do_not_tell_another_process_goes_by_the_moment(
    opened: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "deployed_with", lambda row, _own: row)
    since = utc_now().isoformat()
    assert (await opened().actions["service.scale"].apply(ARGS)).result is Result.DONE
    action = opened().actions["service.scale"]
    assert (await settled(action, {**ARGS, "since": since})).verdict is Verified.PASSED
    later = (utc_now() + timedelta(hours=1)).isoformat()
    assert "nothing was deployed since then" in (await action.verify({**ARGS, "since": later})).summary
    assert (await action.verify(ARGS)).verdict is Verified.UNKNOWN


async def test_a_deployment_tells_its_own_limits_so_another_process_needs_no_moment(
    opened: Callable[..., Connection], world: World
) -> None:
    action = opened().actions["service.scale"]
    assert (await action.apply(ARGS)).result is Result.DONE
    assert ((await settled(action, ARGS)).verdict, changes(world)) == (Verified.PASSED, [SET_, DEPLOYED])
    other = opened().actions["service.scale"]
    assert (await other.verify(ARGS)).summary == f"the limits are 2 vCPUs and 4 GB; {THREE} serves"
    client: Client = other.client  # type: ignore[attr-defined]
    await limits.set_limits(client.config, Limits(1, 1))  # by somebody else, who deploys nothing
    found = await other.verify({"vcpus": 1, "memory_gb": 1})
    assert found.verdict is Verified.FAILED and f"{THREE} serves, and was deployed with other limits" in found.summary
    already = (await other.preview({"vcpus": 1})).summary
    assert "what serves was deployed with others, `hutch service restart` deploys it again: nothing" in already


async def test_a_file_of_the_repository_that_sets_limits_is_found_out(
    web: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_file = {"containers": {"cpu": 1, "memoryBytes": 1_000_000_000}}
    real = api.deployed_with
    monkeypatch.setattr(api, "deployed_with", lambda row, _own: real(row, by_file))
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert "did not get there" in outcome.summary and "a file of the repository may set them" in outcome.summary
    assert outcome.undo and (await settled(action, ARGS)).verdict is Verified.FAILED


def test_what_a_deployment_does_not_tell_is_not_known() -> None:
    now = utc_now()
    one = Deployed("d1", "SUCCESS", now, None, True, "image")
    assert limits.has(one, {"vcpus": 2}) is None
    for told, known in ((None, False), ({"containers": {"cpu": 2}}, True), ("odd", None), ({"containers": 7}, None)):
        assert limits.has(replace(one, settings={"limitOverride": told}), {"vcpus": 2}) is known


async def test_a_deployment_that_fails_leaves_the_old_one(web: Connection, world: World) -> None:
    world.control.bad.add("42")
    outcome = await web.actions["service.scale"].apply(ARGS)
    assert f"and did not get there: {THREE} is failed" in outcome.summary and outcome.undo
    assert (await settled(web.actions["service.scale"], ARGS)).verdict is Verified.FAILED


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("8", "it has no containers"),
        ({"containers": []}, "it has no containers"),
        ({"containers": {"cpu": 8}}, "it has no memoryBytes"),
        ({"containers": {"cpu": 8, "memoryBytes": None}}, "it has no memoryBytes"),
        ({"containers": {"cpu": "8", "memoryBytes": 1}}, "its cpu is no number above 0"),
        ({"containers": {"cpu": True, "memoryBytes": 1}}, "its cpu is no number above 0"),
        ({"containers": {"cpu": 8, "memoryBytes": 0}}, "its memoryBytes is no number above 0"),
    ],
)
async def test_an_answer_of_another_form_is_refused_and_not_guessed(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch, found: object, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        limits_of(found)

    async def call(config: Config, operation: Operation, variables: dict[str, object]) -> object:
        return found if operation is limits.LIMITS else await calls.call(config, operation, variables)

    monkeypatch.setattr(limits, "call", call)
    assert web.platform and dict((await web.platform.standing()).sizes) == {}
    refused = (await web.actions["service.scale"].preview(ARGS)).refused
    assert refused.startswith("cannot read the limits: Railway's answer is not of the expected form")
    assert (await web.actions["service.scale"].apply(ARGS)).result is Result.FAILED and changes(world) == []


async def test_own_limits_may_be_some_none_or_odd(web: Connection, world: World, monkeypatch: Any) -> None:
    config = web.actions["service.scale"].client.config  # type: ignore[attr-defined]
    assert await limits.inherited(config) == ("vcpus", "memory_gb")
    world.control.held = Held(cpu=2)
    assert await limits.inherited(config) == ("memory_gb",)

    async def call(*_: object) -> object:
        return {"cpu": 2}

    monkeypatch.setattr(limits, "call", call)
    with pytest.raises(Refused, match="cannot read the service's own limits: Railway's answer is not of"):
        await limits.inherited(config)


def test_figures_that_railway_rounds_are_the_same() -> None:
    assert Limits(1, 2.147483648).same(Limits(1.0, 2.147483647)) and not Limits(1, 2).same(Limits(1, 2.001))

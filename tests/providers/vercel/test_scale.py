"""``service.scale`` on Vercel: a size of the functions that the next build has, and that build."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Connection
from hutch.providers.vercel.tier import Tier, tier_of
from hutch.remote import Refused
from platform_world import World, settled, utc_now
from rolerabbit.platform.held import Held
from rolerabbit.platform.vercel.view import TIERS, build_id

ONE, TWO, THREE = (build_id(number) for number in (1, 2, 3))
ARGS = {"memory_gb": 4, "replicas": 1, "from": 1}
SET, BUILT = "PATCH /v9/projects/prj_rolerabbit", "POST /v13/deployments"
KEPT = "on the way back standard stays a setting of the project's own, which it had not"


def changes(world: World) -> list[str]:
    return [call.line for call in world.calls if call.method in {"PATCH", "POST"}]


async def test_set_and_built_once_each_and_back(web: Connection, world: World) -> None:
    world.control.seconds = 0.05
    action = web.actions["service.scale"]
    assert web.platform and dict((await web.platform.standing()).sizes) == {"memory_gb": 2}
    preview = await action.preview(ARGS)
    assert preview.summary == (
        "functions from standard (2 GB, 1 vCPU) to performance (4 GB, 2 vCPUs): the project says so, and "
        f"{TWO} is built again; then it gets the domains"
    )
    assert (preview.hits, preview.undo) == (1, f"standard again, and another build; {KEPT}")
    assert ((await action.verify(ARGS)).verdict, changes(world)) == (Verified.FAILED, [])
    outcome = await action.apply(ARGS)
    assert outcome.result is Result.DONE and f"; {THREE} has the production domains; {KEPT}" in outcome.summary
    assert (changes(world), world.control.deployed) == ([SET, BUILT], TIERS["performance"])
    verified = await settled(action, ARGS)
    assert verified.summary == (f"the functions are of performance (4 GB, 2 vCPUs); {THREE} has the production domains")
    assert dict((await web.platform.standing()).sizes) == {"memory_gb": 4}
    assert "nothing was done" in (await action.apply(ARGS)).summary
    back: Any = outcome.undo["args"]
    assert back == {"tier": "standard", "from": "performance"}
    assert KEPT not in (await action.preview(back)).undo  # it is the project's own by now
    assert (await action.apply(back)).result is Result.DONE
    assert ((await settled(action, back)).verdict, world.control.deployed) == (Verified.PASSED, TIERS["standard"])
    again = {**back, "tier": "performance_xl"}
    assert "are of standard (2 GB, 1 vCPU) now, not of performance: look" in (await action.preview(again)).refused


@pytest.mark.parametrize(
    ("args", "said", "sent"),
    [
        ({"memory_gb": 3}, "memory_gb is one of 2 (standard, 1 vCPU), 4 (performance, 2 vCPUs), not 3", 0),
        ({"memory_gb": "much"}, "memory_gb is one of", 0),
        ({"memory_gb": 4, "tier": "standard"}, "memory_gb is one of", 0),
        ({"tier": "Not A Name"}, "memory_gb is one of", 0),
        ({"memory_gb": 4, "replicas": 3}, "how many functions run is Vercel's own: only their size is set", 0),
        ({"memory_gb": 4, "from": "performance"}, "the functions are of standard (2 GB, 1 vCPU) now, not of perf", 0),
        ({"tier": "gigantic"}, "cannot set the size of the functions: bad_request: `functionDefaultMemoryType`", 1),
    ],
)
async def test_what_must_not_be(web: Connection, world: World, args: dict[str, object], said: str, sent: int) -> None:
    outcome = await web.actions["service.scale"].apply(args)
    assert (outcome.result, said in outcome.summary, outcome.summary) == (Result.FAILED, True, outcome.summary)
    assert (changes(world), world.control.held) == ([SET] * sent, Held())


async def test_after_a_roll_back_the_build_is_promoted(web: Connection, world: World) -> None:
    assert (await web.actions["deploy.rollback"].apply({"to": ONE})).result is Result.DONE
    action = web.actions["service.scale"]
    assert "it is promoted: the project gives new ones no domain" in (await action.preview(ARGS)).summary
    assert (await action.apply(ARGS)).result is Result.DONE
    assert ((await settled(action, ARGS)).verdict, world.control.deployed) == (Verified.PASSED, TIERS["performance"])


@pytest.mark.parametrize(
    ("fault", "result", "said"),
    [
        ("denied", Result.FAILED, "cannot set the size of the functions: the token has not the right to it"),
        ("throttled for long", Result.FAILED, "Vercel asks to call again in 3600 s"),
        ("broken", Result.UNKNOWN, "Vercel answers 500"),
        ("never", Result.UNKNOWN, "the connection broke"),
    ],
)
async def test_a_size_that_is_not_set_is_asked_for_once_and_nothing_is_built(
    web: Connection, world: World, fault: str, result: Result, said: str
) -> None:
    world.faults.append((SET, fault))
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert (outcome.result, said in outcome.summary, changes(world)) == (result, True, [SET])
    assert (await action.verify(ARGS)).verdict is Verified.FAILED


async def test_an_answer_that_is_lost_is_looked_up_and_not_repeated(web: Connection, world: World) -> None:
    world.faults += [(SET, "lost"), (BUILT, "lost")]
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert outcome.result is Result.DONE and f"; {THREE} has the production domains" in outcome.summary
    assert ((await settled(action, ARGS)).verdict, changes(world)) == (Verified.PASSED, [SET, BUILT])


@pytest.mark.parametrize("fault", ["denied", "never"])
async def test_a_size_that_is_set_and_never_built_has_a_way_back(web: Connection, world: World, fault: str) -> None:
    world.faults.append((BUILT, fault))
    action = web.actions["service.scale"]
    outcome = await action.apply(ARGS)
    assert outcome.result is Result.DONE
    assert "which holds from the next build on, and none was begun: cannot redeploy" in outcome.summary
    assert (world.control.held, world.control.deployed) == (TIERS["performance"], Held())
    assert (await action.verify({**ARGS, "since": utc_now().isoformat()})).verdict is Verified.FAILED
    back: Any = outcome.undo["args"]
    assert (await action.apply(back)).result is Result.DONE and world.control.deployed == TIERS["standard"]


async def test_another_process_tells_by_the_moment_whether_it_is_built(
    opened: Callable[..., Connection], world: World
) -> None:
    since = utc_now().isoformat()
    assert (await opened().actions["service.scale"].apply(ARGS)).result is Result.DONE
    action = opened().actions["service.scale"]
    assert (await settled(action, {**ARGS, "since": since})).verdict is Verified.PASSED
    later = (utc_now() + timedelta(hours=1)).isoformat()
    assert "nothing was built again since then" in (await action.verify({**ARGS, "since": later})).summary
    assert (await action.verify(ARGS)).verdict is Verified.UNKNOWN


KEY = "functionDefaultMemoryType"


@pytest.mark.parametrize(
    "found",
    [{}, {"resourceConfig": []}, {"defaultResourceConfig": {"fluid": True}}, {"resourceConfig": {KEY: 7}},
     {"resourceConfig": {KEY: "Not A Name"}, "defaultResourceConfig": {KEY: "standard"}}],
)  # fmt: skip
async def test_an_answer_of_another_form_is_refused_and_not_guessed(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch, found: dict[str, object]
) -> None:
    with pytest.raises(Refused, match="cannot read the size of the functions: Vercel's answer is not of the expected"):
        tier_of(found)
    monkeypatch.setattr("rolerabbit.platform.vercel.api.resources", lambda _: found)
    assert web.platform and dict((await web.platform.standing()).sizes) == {}
    assert "cannot read the size of the functions" in (await web.actions["service.scale"].preview(ARGS)).refused
    assert (await web.actions["service.scale"].apply(ARGS)).result is Result.FAILED and changes(world) == []


async def test_a_size_that_is_not_published_is_left_and_come_back_to_by_its_name(
    web: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"resourceConfig": {KEY: "standard_legacy"}}
    assert (tier_of(old), tier_of(old).sizes, str(tier_of(old))) == (
        Tier("standard_legacy", True), {}, "standard_legacy"
    )  # fmt: skip
    monkeypatch.setattr("rolerabbit.platform.vercel.api.resources", lambda _: old)
    preview = await web.actions["service.scale"].preview(ARGS)
    assert "functions from standard_legacy to performance (4 GB, 2 vCPUs)" in preview.summary
    assert preview.undo == "standard_legacy again, and another build"

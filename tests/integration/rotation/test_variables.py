"""``secret.rotate`` of variables at Vercel and Railway, against RoleRabbit's platform by their APIs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.providers.railway import provider as railway
from hutch.providers.vercel import provider as vercel
from platform_world import TOKEN, World, serving
from rolerabbit.platform.railway.view import ENVIRONMENT, PROJECT, SERVICE

PLACES = ("vercel", "railway")
STEPS = [("add", "signs"), ("sign", "old"), ("retire", "old")]
Open = Callable[..., Connection]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with serving(world) as found:
        yield found


@pytest.fixture
def opened(address: str) -> Open:
    secrets = {"secrets": {"jwt": "JWT_KEYS", "none": "NOT_THERE"}, "token": TOKEN, "changes": True, "look_every": 0.02}
    own: dict[str, tuple[Any, dict[str, object]]] = {
        "vercel": (vercel, {"project": "rolerabbit", "url": address, "logs_url": address}),
        "railway": (railway, {"project": PROJECT, "environment": ENVIRONMENT, "service": SERVICE,
                              "url": f"{address}/graphql/v2"}),
    }  # fmt: skip

    def make(place: str, **more: object) -> Connection:
        provider, settings = own[place]
        defaults = {setting.name: setting.default for setting in provider.settings}
        given = {**defaults, **secrets, **settings, **more}
        found: Connection = provider.open(TargetConfig("web", given, lambda: datetime.now(UTC)))
        return found

    return make


async def ring(at: Connection) -> dict[str, Any]:
    outcome = await at.runs["secret.ring"](Command("secret.ring", "", "", Effect.READ, "", {"secret": "jwt"}))
    found: dict[str, Any] = json.loads(outcome.output)
    return found


def values(world: World) -> list[str]:
    return [part.split(":")[1] for part in world.secrets.environment()["JWT_KEYS"].split(",")]


@pytest.mark.parametrize("place", PLACES)
async def test_stage_by_stage_the_ring_is_turned_and_no_value_is_shown(world: World, opened: Open, place: str) -> None:
    at = opened(place)
    rotate, old = at.actions["secret.rotate"], world.secrets.keys.signer("jwt")
    shown: list[object] = []
    for stage in ("add", "sign", "retire"):
        args = {"secret": "jwt", "stage": stage}
        preview = await rotate.preview(args)
        assert (preview.hits, preview.refused) == (1, "")
        assert (await rotate.verify(args)).verdict is Verified.FAILED
        shown += [preview, await rotate.apply(args), await rotate.verify(args), await rotate.apply(args)]
        assert (await rotate.verify(args)).verdict is Verified.PASSED
        again = await rotate.preview(args)
        assert (again.hits, "it is so already" in again.summary) == (0, True)
        states = [key.state for key in world.secrets.keys.rings["jwt"]]
        assert states == {"add": ["signs", "new"], "sign": ["signs", "old"], "retire": ["off", "signs"]}[stage]
        assert not world.secrets.keys.in_force  # nobody was started anew by this alone
    assert not any(call.line.endswith(("/deployments", "/restart")) for call in world.calls)
    found = await ring(at)
    assert (found["new"], found["old"], found["signs"] != old) == ([], [], True)
    assert not any(value in repr(shown) for value in values(world))
    assert "retire it first" in await refusal(rotate, world)


async def refusal(rotate: Any, world: World) -> str:
    for stage in ("add", "sign"):
        await rotate.apply({"secret": "jwt", "stage": stage})
    preview = await rotate.preview({"secret": "jwt", "stage": "add"})
    outcome = await rotate.apply({"secret": "jwt", "stage": "add"})
    assert (outcome.result, outcome.summary) == (Result.FAILED, preview.refused)
    return str(preview.refused)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", ["lost", "broken", "vague"])
async def test_a_stage_whose_answer_is_lost_is_unknown_and_then_told(
    world: World, opened: Open, place: str, fault: str
) -> None:
    """What is not known is looked at, and gone on with: no second new key comes of it."""
    rotate = opened(place).actions["secret.rotate"]
    mark = "PATCH" if place == "vercel" else "VariableUpsert"
    for stage in ("add", "sign", "retire"):
        args = {"secret": "jwt", "stage": stage}
        world.faults = [(mark, "broken" if (fault, place) == ("vague", "vercel") else fault)]
        outcome = await rotate.apply(args)
        assert outcome.result is Result.UNKNOWN, outcome
        done = (await rotate.verify(args)).verdict is Verified.PASSED
        assert done == (fault == "lost")
        assert (await rotate.apply(args)).result is Result.DONE
        assert (await rotate.verify(args)).verdict is Verified.PASSED
    assert len(values(world)) == 1


@pytest.mark.parametrize("place", PLACES)
async def test_a_value_that_is_no_ring_is_replaced_by_one_nobody_sees(world: World, opened: Open, place: str) -> None:
    rotate = opened(place).actions["secret.rotate"]
    wrong = await rotate.preview({"secret": "other", "stage": "add"})
    assert f"no secret 'other' under services.NAME.{place}.secrets; there are: jwt, none" in wrong.refused
    gone = await rotate.apply({"secret": "none", "stage": "sign"})
    assert (gone.result, "is not there" in gone.summary) == (Result.FAILED, True)
    odd = await rotate.preview({"secret": "jwt", "stage": "soon"})
    assert odd.refused == "the stages are add, sign, retire, replace, not soon"
    preview = await rotate.preview({"secret": "jwt", "stage": "replace"})
    assert (preview.hits, preview.undo) == (1, "none: the old value is kept nowhere")
    refused = await rotate.apply({"secret": "jwt", "stage": "replace"})
    assert refused.result is Result.FAILED  # the platform knows that this variable is a ring
    assert (await opened(place).actions["secret.rotate"].verify({"secret": "jwt"})).verdict is Verified.UNKNOWN


@pytest.mark.parametrize("place", PLACES)
async def test_without_a_token_for_changes_no_value_is_read(world: World, opened: Open, place: str) -> None:
    looking = opened(place, changes=False)
    assert (looking.actions, looking.runs, looking.secrets) == ({}, {}, frozenset())
    await (
        opened(place, changes=False, token="looks-only", change_token=TOKEN)
        .actions["secret.rotate"]
        .preview({"secret": "jwt", "stage": "add"})
    )
    assert {call.token for call in world.calls} == {TOKEN}

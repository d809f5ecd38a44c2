"""``secret.rotate`` on a real platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.ports import Connection, TargetConfig
from hutch.providers.local import provider
from hutch.providers.local.client import Client, Key, KeyRings


def action(ready: Mapping[str, Any]) -> Any:
    return connection(ready).actions["secret.rotate"]


def connection(ready: Mapping[str, Any]) -> Connection:
    settings = {"url": ready["api_url"], "token": ready["token"]}
    return provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))


def waiting(secret: str) -> KeyRings:
    return KeyRings({secret: (Key("a", "signs", ""), Key("b", "new", ""))}, False, {})


async def test_a_key_is_added_once_however_often_it_is_asked_and_then_the_old_one_goes(ready: Any) -> None:
    rotate = action(ready)
    signer = (await rotate.client.keys()).signer("jwt")
    add = {"secret": "jwt", "stage": "add", "signer": signer, "deploy": True}
    preview = await rotate.preview(add)
    assert preview.summary == f"a new key of jwt signs, {signer} still verifies"
    assert preview.hits == 2
    assert f"key {signer} signs" in preview.items
    assert (await rotate.verify(add)).verdict is Verified.FAILED
    assert [(await rotate.apply(add)).result for _ in range(2)] == [Result.DONE] * 2
    rings = await rotate.client.keys()
    assert [key.state for key in rings.rings["jwt"]] == ["old", "signs"]
    ring = await connection(ready).runs["secret.ring"](Command("secret.ring", "", "", Effect.READ, "", add))
    assert json.loads(ring.output) == {"signs": rings.signer("jwt"), "new": [], "old": [signer]}
    told = await rotate.verify(add)
    assert (told.verdict, told.summary) == (
        Verified.PASSED, f"jwt: {rings.signer('jwt')} signs, {signer} verifies; every replica has it",
    )  # fmt: skip
    assert (await rotate.preview(add)).hits == 0
    sign = {"secret": "jwt", "stage": "sign"}
    assert (await rotate.preview(sign)).hits == 0
    assert (await rotate.apply(sign)).summary.endswith("it was so already")
    again = await rotate.preview({**add, "signer": rings.signer("jwt")})
    assert again.refused == f"key {signer} was replaced before and still verifies: retire it first"
    retire = {"secret": "jwt", "stage": "retire"}
    assert (await rotate.verify(retire)).verdict is Verified.FAILED
    assert (await rotate.apply(retire)).result is Result.DONE
    assert (await rotate.verify(retire)).summary.startswith(f"jwt: {rings.signer('jwt')} signs, {signer} is off")
    assert (await rotate.preview(retire)).hits == 0


async def test_a_rotation_that_is_under_way_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for it may have died since; the platform goes on. No new key at all: it was never begun."""
    rotate = action({"api_url": "http://127.0.0.1:9", "token": "x"})
    add = {"secret": "jwt", "stage": "add", "signer": "a"}
    for ring, verdict in ((waiting("jwt"), Verified.PENDING), (KeyRings({"jwt": (Key("a", "signs", ""),)}, True, {}),
                                                               Verified.FAILED)):  # fmt: skip

        async def keys(_: Client, ring: KeyRings = ring) -> KeyRings:
            return ring

        monkeypatch.setattr(Client, "keys", keys)
        assert (await rotate.verify(add)).verdict is verdict


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"secret": "", "stage": "add"}, "say which secret to rotate: secret, one of jwt, encryption"),
        ({"secret": "jwt", "stage": "replace"}, "this platform knows the stages add, sign, retire, not replace"),
        ({"secret": "jwt", "stage": "add", "deploy": False}, "without deploying anew"),
    ],
)
async def test_a_wrong_rotation_is_refused_with_what_to_say(ready: Any, args: dict[str, Any], why: str) -> None:
    rotate = action(ready)
    before = await rotate.client.keys()
    assert why in (await rotate.preview(args)).refused
    outcome = await rotate.apply(args)
    assert (outcome.result, why in outcome.summary) == (Result.FAILED, True)
    assert await rotate.client.keys() == before

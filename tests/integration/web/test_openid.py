"""Signing in by an OpenID provider that is made with Authlib's server: the whole flow over HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from guarded import PASSWORD, Answer, Client, Guarded, guarded
from hutch.commands.access import people
from hutch.model.access import AccessRole
from openid_provider import CLIENT, SECRET, Idp, openid_provider


@dataclass
class World:
    hutch: Guarded
    idp: Idp

    async def sign_in(self, client: Client | None = None) -> tuple[Answer, Client]:
        """As a browser goes: to the provider, and back."""
        client = client or await self.hutch.client()
        away = await client.get("/openid/start?next=/runs")
        assert away.status == 303, away.text
        async with client.http.get(away.place, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            back = answer.headers["location"]
        return await client.get(back.removeprefix(self.hutch.address)), client


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
async def world(on_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("IDP_SECRET", SECRET)
    port = free_port()
    with openid_provider(f"http://127.0.0.1:{port}/openid/back") as idp:
        more = (
            f"access:\n  url: http://127.0.0.1:{port}\n  sign_in_rate: 1000/minute\n  openid:\n"
            f"    issuer: {idp.issuer}\n"
            f"    client: {CLIENT}\n    secret: {{env: IDP_SECRET}}\n    name: Example SSO\n"
            "    groups: {sre: commander, staff: viewer}\n    services: {bank: {bankers: responder}}\n"
        )
        idp.user = {"sub": "u-1", "preferred_username": "Grace", "groups": ["staff", "sre"]}
        async with guarded(tmp_path, more, port=port) as hutch:
            yield World(hutch, idp)


async def test_whoever_the_provider_proves_comes_in_with_the_roles_of_their_groups(world: World) -> None:
    page = await (await world.hutch.client()).get("/sign-in")
    assert "Continue with Example SSO" in page.text
    answer, client = await world.sign_in()
    assert (answer.status, answer.place) == (303, "/runs")
    assert ">grace</summary>" in (await client.get("/runs")).text
    account = await people.load(world.hutch.context, "grace")
    assert (account.role, account.subject) == (AccessRole.COMMANDER, f"{world.idp.issuer} u-1")
    kinds = [k for _, k, _ in await world.hutch.told()]
    assert kinds == ["account.added", "account.changed", "session.begun"]


async def test_the_roles_follow_the_groups_at_the_next_sign_in(world: World) -> None:
    _, first = await world.sign_in()
    world.idp.user["groups"] = ["bankers"]
    await world.sign_in()
    account = await people.load(world.hutch.context, "grace")
    assert account.role is None and account.grants == {"bank": AccessRole.RESPONDER}
    assert (await first.get("/")).place.startswith("/sign-in")  # what she had before has ended
    world.idp.user["groups"] = ["others"]
    answer, _ = await world.sign_in()
    assert answer.status == 401 and "None of your groups has a role here" in answer.text


async def test_a_name_that_somebody_has_here_is_not_taken_over(world: World) -> None:
    await people.add(world.hutch.context, "grace", AccessRole.ADMIN, PASSWORD, "test")
    answer, client = await world.sign_in()
    assert answer.status == 401 and "not linked to you" in answer.text
    assert (await client.get("/")).place.startswith("/sign-in")


async def test_an_account_that_was_made_for_the_provider_is_linked_once(world: World) -> None:
    await people.add(world.hutch.context, "grace", AccessRole.VIEWER, "", "test")
    assert (await world.sign_in())[0].status == 303
    world.idp.user["sub"] = "u-2"
    assert (await world.sign_in())[0].status == 401


async def test_a_disabled_account_stays_out(world: World) -> None:
    await world.sign_in()
    await people.disable(world.hutch.context, "grace", True, "test")
    assert (await world.sign_in())[0].status == 401


@pytest.mark.parametrize("wrong", ["key", "issuer", "audience", "nonce"])
async def test_a_token_that_proves_nothing_lets_nobody_in(world: World, wrong: str) -> None:
    if wrong == "key":
        world.idp.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    elif wrong == "issuer":
        world.idp.issuer_in_token = "https://evil.example"
    elif wrong == "audience":
        world.idp.audience = "another"
    else:
        world.idp.nonce = "stale"
    answer, client = await world.sign_in()
    why = "BadSignatureError" if wrong == "key" else "InvalidClaimError"
    assert answer.status == 401 and f"no proof of who you are ({why})" in answer.text
    assert (await client.get("/")).place.startswith("/sign-in")
    assert SECRET not in answer.text


async def test_what_another_browser_began_or_what_is_sent_twice_counts_for_nothing(world: World) -> None:
    client = await world.hutch.client()
    away = await client.get("/openid/start")
    async with client.http.get(away.place, allow_redirects=False) as found:
        back = found.headers["location"].removeprefix(world.hutch.address)
    victim = await world.hutch.client()
    assert (await victim.get(back)).status == 401  # signing somebody in as oneself
    assert (await client.get(back)).status == 303
    assert (await client.get(back)).status == 401
    assert (await client.get("/openid/back?state=x&code=y")).status == 401


async def test_a_provider_that_is_away_is_said_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SECRET", SECRET)
    more = (
        f"access:\n  url: http://127.0.0.1:1\n  openid: {{issuer: 'http://127.0.0.1:{free_port()}', client: x, "
        "secret: {env: IDP_SECRET}, groups: {a: viewer}}\n"
    )
    async with guarded(tmp_path, more) as hutch:
        answer = await (await hutch.client()).get("/openid/start")
        assert answer.status == 502 and "cannot be asked" in answer.text

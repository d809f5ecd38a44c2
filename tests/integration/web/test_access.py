"""Signing in and out, sessions, forms, tokens, private incidents: over HTTP, on a real server."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update

from guarded import BROWSER, PASSWORD, Client, Guarded, guarded
from hutch.commands import incidents
from hutch.commands.access import audit, people, tokens
from hutch.commands.context import CommandError
from hutch.model.access import AccessRole
from hutch.model.severity import Severity
from hutch.store import accounts
from hutch.store.aside import SCHEMA, in_database, in_file
from hutch.store.postgres.verify import verify_database
from hutch.store.verify import verify_store

BOTH = pytest.mark.usefixtures("on_store")

NEW = "a different horse, another battery"

FRESH = re.compile(r'(?:data-now|name="token" value)="[^"]*"')
"""What is new on every page."""


@pytest.fixture
async def hutch(on_store: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    """A server on either store."""
    async with guarded(tmp_path) as found:
        await people.add(found.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        yield found


async def signed_in(hutch: Guarded, name: str = "ada", password: str = PASSWORD) -> Client:
    client = await hutch.client()
    answer = await client.form("/sign-in", "/sign-in", name=name, password=password)
    assert answer.status == 303, answer.text
    return client


def session_of(client: Client) -> str:
    return next(c.value for c in client.http.cookie_jar if c.key == "hutch-session")


def held(hutch: Guarded) -> bytes:
    """All that the store keeps, as bytes."""
    if not (url := os.environ.get("HUTCH_DATABASE_URL", "")):
        return b"".join(p.read_bytes() for p in hutch.context.home.rglob("*") if p.is_file())
    with psycopg.connect(url) as raw:
        tables = raw.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('hutch', %s)",
            (SCHEMA,),
        ).fetchall()
        rows = [raw.execute(f"SELECT t::text FROM {name} t").fetchall() for (name,) in tables]
    return repr(rows).encode()


async def test_signing_in_leads_back_and_the_cookie_is_for_our_pages_alone(hutch: Guarded) -> None:
    client = await hutch.client()
    away = await client.get("/runs?q=slow")
    assert (away.status, away.place) == (303, "/sign-in?next=%2Fruns%3Fq%3Dslow")
    answer = await client.form(away.place, "/sign-in", name="Ada", password=PASSWORD, next="/runs?q=slow")
    assert answer.place == "/runs?q=slow"
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
    page = await client.get("/runs?q=slow")
    assert page.status == 200 and ">ada</summary>" in page.text
    assert [k for _, k, _ in await hutch.told()] == ["account.added", "session.begun"]


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "/%0d%0aSet-Cookie:x", "javascript:alert(1)"]
)
async def test_nobody_is_led_away(hutch: Guarded, place: str) -> None:
    client = await hutch.client()
    answer = await client.form("/sign-in", "/sign-in", name="ada", password=PASSWORD, next=place)
    assert answer.status == 303 and answer.place in ("/", "/%0d%0aSet-Cookie:x")  # what is encoded stays a path of ours


async def test_a_wrong_password_an_unknown_name_and_a_disabled_account_look_the_same(hutch: Guarded) -> None:
    await people.add(hutch.context, "gone", AccessRole.VIEWER, PASSWORD, "test")
    await people.disable(hutch.context, "gone", True, "test")
    client, said = await hutch.client(), set()
    for name, password in (("ada", "wrong wrong wrong"), ("nobody-here", PASSWORD), ("gone", PASSWORD)):
        answer = await client.form("/sign-in", "/sign-in", name=name, password=password)
        found = re.search(r'role="alert">([^<]+)<', answer.text)
        said.add((answer.status, found[1] if found else ""))
        assert password not in answer.text
    assert said == {(401, "That name and password do not belong together.")}
    refused = [d for _, k, d in await hutch.told() if k == "session.refused"]
    assert [d["why"] for d in refused] == ["wrong password or name", "wrong password or name", "disabled"]
    assert PASSWORD not in str(await hutch.told())


async def test_after_five_wrong_passwords_the_right_one_has_to_wait(hutch: Guarded) -> None:
    client = await hutch.client()
    answers = await asyncio.gather(
        *(client.form("/sign-in", "/sign-in", name="ada", password="wrong wrong wrong") for _ in range(5))
    )
    assert {a.status for a in answers} == {401}
    locked = await client.form("/sign-in", "/sign-in", name="ada", password=PASSWORD)
    assert locked.status == 401 and "Too many wrong passwords: try again in" in locked.text
    await people.set_password(hutch.context, "ada", NEW, "test")  # `hutch user reset` lifts it
    assert (await client.form("/sign-in", "/sign-in", name="ada", password=NEW)).status == 303


async def test_tries_from_one_address_are_limited(hutch: Guarded) -> None:
    client = await hutch.client()
    found = [await client.form("/sign-in", "/sign-in", name=f"u{n}", password="x" * 12) for n in range(11)]
    assert [a.status for a in found] == [401] * 10 + [429]


async def test_signing_in_again_and_a_new_password_rotate_the_session(hutch: Guarded) -> None:
    client = await signed_in(hutch)
    other = await signed_in(hutch)
    first = session_of(client)
    answer = await client.form("/account", "/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert answer.status == 303
    second = session_of(client)
    assert second != first and (await client.get("/account")).status == 200
    assert (await other.get("/account")).place.startswith("/sign-in")
    client.cookie(first)
    assert (await client.get("/account")).place.startswith("/sign-in")


async def test_signing_out_ends_the_session_on_the_server_too(hutch: Guarded) -> None:
    client = await signed_in(hutch)
    kept = session_of(client)
    assert (await client.form("/account", "/sign-out")).status == 303
    client.cookie(kept)
    assert (await client.get("/")).place.startswith("/sign-in")


@BOTH
async def test_a_session_that_is_used_ends_all_the_same(tmp_path: Path) -> None:
    async with guarded(tmp_path, "access: {idle: 2s, session: 2s}\n") as hutch:
        await people.add(hutch.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        client = await signed_in(hutch)
        statuses = []
        for _ in range(60):
            statuses.append((await client.get("/account")).status)
            if statuses[-1] != 200:
                break
            await asyncio.sleep(0.2)
        assert (statuses[0], statuses[-1]) == (200, 303)
        assert (await client.get("/account")).place.startswith("/sign-in")


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "0", str.swapcase, lambda _s: "", lambda _s: "é;\x01"]
)
async def test_a_session_that_was_made_up_is_nobodys(hutch: Guarded, change: Callable[[str], str]) -> None:
    real = session_of(await signed_in(hutch))
    client = await hutch.client()
    client.cookie(change(real))
    assert (await client.get("/account")).place.startswith("/sign-in")
    client.cookie(real)
    assert (await client.get("/account")).status == 200


@BOTH
async def test_sessions_end_when_idle(tmp_path: Path) -> None:
    async with guarded(tmp_path, "access: {idle: 1s, session: 1h}\n") as hutch:
        await people.add(hutch.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        client = await signed_in(hutch)
        assert (await client.get("/account")).status == 200
        await asyncio.sleep(1.1)
        assert (await client.get("/account")).place.startswith("/sign-in")


async def test_less_rights_count_at_once(hutch: Guarded) -> None:
    await people.add(hutch.context, "bob", AccessRole.RESPONDER, PASSWORD, "test")
    bob, token = await signed_in(hutch, "bob"), await hutch.token("bob", "read", "respond")
    body = {"title": "slow", "severity": "SEV-3", "service": "shop", "actor": "mallory"}
    made = await token.ask("POST", "/api/v1/incidents", json=body)
    assert made.status == 201
    await people.set_role(hutch.context, "bob", AccessRole.VIEWER, "", "test")
    assert (await bob.get("/")).place.startswith("/sign-in")
    assert (await token.ask("POST", "/api/v1/incidents", json=body)).status == 403
    await people.disable(hutch.context, "bob", True, "test")
    assert (await token.get("/api/v1/incidents")).status == 401
    events = await hutch.context.store.since("incident.declared", hutch.context.clock.now() - timedelta(hours=1))
    assert [e.actor for e in events] == ["bob"]  # whatever the body says


async def test_a_form_of_another_session_or_another_site_does_nothing(hutch: Guarded) -> None:
    ada, other = await signed_in(hutch), await signed_in(hutch)
    token = re.search(r'name="token" value="([^"]+)"', (await other.get("/account")).text)
    assert token
    foreign = await ada.ask(
        "POST", "/account/tokens", BROWSER, data={"token": token[1], "days": "1", "scope.read": "yes"}
    )
    assert foreign.status == 403 and "nothing was done" in foreign.text
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    body = {"title": "x", "severity": "SEV-1", "service": "shop"}
    assert (await ada.ask("POST", "/api/v1/incidents", evil, json=body)).status == 403
    assert await audit.accounts(hutch.context).tokens() == []
    assert await incidents.listing(hutch.context) == []


async def test_a_token_is_shown_once_and_kept_as_a_digest(hutch: Guarded) -> None:
    ada = await signed_in(hutch)
    page = await ada.form("/account", "/account/tokens", label="ci", days="30", **{"scope.read": "yes"})
    found = re.search(r"hutch_[0-9a-f]{8}_[\w-]{43}", page.text)
    assert found, page.text
    secret = found[0]
    again = (await ada.get("/account")).text
    assert "ci" in again and secret not in again
    client = await hutch.client()
    client.headers = {"Authorization": f"Bearer {secret}"}
    assert (await client.get("/api/v1/incidents")).status == 200
    kept = held(hutch)
    assert secret.encode() not in kept and session_of(ada).encode() not in kept and PASSWORD.encode() not in kept
    token_id = secret.split("_")[1]
    assert (await ada.form("/account", f"/account/tokens/{token_id}/revocation")).status == 303
    assert (await client.get("/api/v1/incidents")).status == 401
    assert (await client.get("/api/v1/incidents")).text.count("This token is not good") == 1


async def test_a_token_ends_and_reaches_no_further_than_its_owner(hutch: Guarded) -> None:
    await people.add(hutch.context, "bob", AccessRole.VIEWER, PASSWORD, "test")
    with pytest.raises(CommandError, match="bob may not administer"):
        await tokens.make(hutch.context, "bob", "x", tokens.scopes_of(["administer"]), timedelta(days=1), "bob")
    made, secret = await tokens.make(hutch.context, "bob", "x", tokens.scopes_of(["read"]), timedelta(days=1), "bob")
    assert await tokens.whose(hutch.context, secret)
    url = os.environ.get("HUTCH_DATABASE_URL", "")
    engine = (in_database(url) if url else in_file(hutch.context.home / "access.db"))()
    with engine.begin() as raw:
        gone = update(accounts.tokens).where(accounts.tokens.c.id == made.id)
        raw.execute(gone.values(expires_at="2020-01-01T00:00:00.000000Z"))
    engine.dispose()
    assert await tokens.whose(hutch.context, secret) is None


async def test_guessing_tokens_is_limited(hutch: Guarded) -> None:
    client = await hutch.client()
    client.headers = {"Authorization": "Bearer hutch_00000000_" + "x" * 43}
    found = [(await client.get("/api/v1/incidents")).status for _ in range(21)]
    assert found == [401] * 20 + [429]


async def test_a_private_incident_is_there_for_whoever_takes_part(hutch: Guarded) -> None:
    for name in ("bob", "eve"):
        await people.add(hutch.context, name, AccessRole.COMMANDER, PASSWORD, "test")
    bob, eve, ada = [await hutch.client(n) for n in ("bob", "eve", "ada")]
    state = await incidents.declare(
        hutch.context, title="Stolen keys", service="shop", severity=Severity.SEV1, actor="bob", private=True
    )
    place = f"/incidents/{state.id}"
    for client in (bob, ada):
        for path in (place, "/", "/find?q=stolen"):
            assert "Stolen keys" in (await client.get(path)).text, path
    reader = await hutch.token("eve", "read")
    lists = ("/", "/runs", f"/find?q={state.id}", "/api/v1/incidents")
    for path in (place, f"{place}/review.txt", f"/api/v1{place}", *lists):
        for client in (eve, reader):
            answer = await client.get(path)
            assert "Stolen keys" not in answer.text, path
    unknown = (await eve.get("/incidents/INC-2000-001")).text.replace("INC-2000-001", state.id)
    hidden = (await eve.get(place)).text
    assert re.sub(FRESH, "", unknown) == re.sub(FRESH, "", hidden)
    await bob.form(place, f"{place}/people", person="eve")
    assert "Stolen keys" in (await eve.get(place)).text


async def test_the_live_feed_does_not_tell_of_it_either(hutch: Guarded) -> None:
    await people.add(hutch.context, "bob", AccessRole.VIEWER, PASSWORD, "test")
    bob = await hutch.client("bob")
    async with bob.http.get(hutch.address + "/events") as feed:
        declared = []
        for private in (True, False):
            state = await incidents.declare(
                hutch.context, title="x", service="shop", severity=Severity.SEV4, actor="carol", private=private
            )
            declared.append(state.id)
        heard = b""
        async with asyncio.timeout(10):
            while declared[1].encode() not in heard:
                heard += await feed.content.readany()
    assert declared[0].encode() not in heard


async def test_a_session_that_ends_hears_no_more(hutch: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hutch.web.live.BEAT", 0.2)
    await people.add(hutch.context, "bob", AccessRole.VIEWER, PASSWORD, "test")
    bob = await hutch.client("bob")
    async with bob.http.get(hutch.address + "/events") as feed:
        await feed.content.readany()
        await people.disable(hutch.context, "bob", True, "test")
        async with asyncio.timeout(10):
            assert await feed.content.read() is not None  # until its end


async def test_the_chain_of_the_audit_log_holds_and_its_page_tells(hutch: Guarded) -> None:
    ada = await signed_in(hutch)
    await ada.form("/people", "/people", name="bob", role="viewer", password=PASSWORD)
    bob = await hutch.client("bob")
    assert (await bob.get("/people")).status == 403
    page = (await ada.get("/audit")).text
    for words in ("signed in", "made an account", "was refused", "GET /people"):
        assert words in page
    assert PASSWORD not in page
    url = os.environ.get("HUTCH_DATABASE_URL", "")
    assert not (verify_database(url) if url else verify_store(hutch.context.home / "hutch.db")).breaks


async def test_the_only_admin_stays_one(hutch: Guarded) -> None:
    with pytest.raises(CommandError, match="is the only admin"):
        await people.set_role(hutch.context, "ada", AccessRole.VIEWER, "", "test")
    with pytest.raises(CommandError, match="is the only admin"):
        await people.disable(hutch.context, "ada", True, "test")


@pytest.mark.parametrize("name", ["", "Ada", "a b", "../x", "hutch", "policy:x", "a" * 65, "<b>"])
async def test_names_that_nobody_may_have(hutch: Guarded, name: str) -> None:
    with pytest.raises(CommandError, match="cannot be a name"):
        await people.add(hutch.context, name, AccessRole.VIEWER, PASSWORD, "test")


@BOTH
async def test_without_accounts_on_loopback_all_is_open_and_the_page_says_so(tmp_path: Path) -> None:
    async with guarded(tmp_path) as hutch:
        client = await hutch.client()
        page = await client.get("/")
        assert page.status == 200 and "Nobody signs in here" in page.text
        assert not (hutch.context.home / "access.db").exists()
        await people.add(hutch.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        await asyncio.sleep(1.1)
        assert (await client.get("/")).place == "/sign-in?next=%2F"

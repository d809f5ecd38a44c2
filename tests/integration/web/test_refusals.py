"""Refusals: each is told in the audit log, and no trick with a token, a host or a path gets past the gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from guarded import BROWSER, PASSWORD, Guarded, guarded
from hutch.commands import incidents
from hutch.commands.access import audit, people, tokens
from hutch.model.access import AccessRole
from hutch.model.severity import Severity


@pytest.fixture
async def hutch(on_store: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    """A server on either store."""
    async with guarded(tmp_path) as found:
        await people.add(found.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        yield found


async def test_every_refusal_is_told_wherever_it_comes_from(hutch: Guarded) -> None:
    await people.add(hutch.context, "bob", None, PASSWORD, "test")
    await people.set_role(hutch.context, "bob", AccessRole.RESPONDER, "bank", "test")
    bob, token = await hutch.client("bob"), await hutch.token("bob", "read", "respond")
    hidden = await incidents.declare(
        hutch.context, title="x", service="bank", severity=Severity.SEV4, actor="ada", private=True
    )
    body = {"title": "x", "severity": "SEV-4", "service": "shop"}
    tries = [
        (await bob.get("/people"), 403, "GET /people"),
        (await bob.get(f"/incidents/{hidden.id}"), 404, "GET /incidents/{incident_id}"),
        (await bob.get("/incidents/INC-2000-001"), 404, "GET /incidents/{incident_id}"),
        (await token.ask("POST", "/api/v1/incidents", json=body), 403, "POST /api/v1/incidents"),
        (await bob.ask("POST", "/account/tokens", BROWSER, data={"token": "none"}), 403, "POST /account/tokens"),
    ]
    assert [answer.status for answer, *_ in tries] == [status for _, status, _ in tries]
    told = [d["what"] for _, k, d in await hutch.told() if k == "access.refused"]
    assert told == [what for *_, what in tries]
    found = [t.id for t in await audit.accounts(hutch.context).tokens("bob")]
    await tokens.revoke(hutch.context, found[0], "ada")
    stranger = await hutch.client()
    stranger.headers = {"Authorization": "Bearer hutch_nonsense"}
    assert [(await c.get("/api/v1/incidents")).status for c in (token, stranger)] == [401, 401]
    assert [(a, d["token"]) for a, k, d in await hutch.told() if k == "token.refused"] == [
        ("nobody", found[0]), ("nobody", ""),
    ]  # fmt: skip
    assert "came with a token that is not good" in (await (await hutch.client("ada")).get("/audit")).text


async def test_a_token_that_was_revoked_hears_no_more(hutch: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hutch.web.live.BEAT", 0.2)
    token = await hutch.token("ada", "read")
    async with token.http.get(hutch.address + "/events", headers=token.headers) as feed:
        await feed.content.readany()
        (made,) = await audit.accounts(hutch.context).tokens("ada")
        await tokens.revoke(hutch.context, made.id, "ada")
        async with asyncio.timeout(10):
            assert await feed.content.read() is not None  # until its end


async def raw(address: str, path: str, host: str) -> bytes:
    """What is answered to a request as no browser writes it."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_no_trick_with_the_host_or_the_path_opens_a_door(hutch: Guarded) -> None:
    host = urlsplit(hutch.address).netloc
    hosts = [
        f"{host}/healthz?",
        f"{host}/sign-in#",
        f"{host}/static/x/y?",
        "127.0.0.1:x@y/healthz?",
        "evil.example",
        "",
    ]
    paths = ["/people%3Fx", "/healthz%3F/../people", "/healthz/..%2fpeople", "//people", "/./people", "/people;x",
             "/PEOPLE", "/people/", "/static/../people", "/sign-in/%2e%2e/people", "/people%00", "*"]  # fmt: skip
    for place, name in [*(("/people", h) for h in hosts), *((p, host) for p in paths)]:
        answer = await raw(hutch.address, place, name)
        assert answer.split(b" ")[1] in (b"303", b"400", b"401", b"404"), (place, name)
        assert b"/people/ada/role" not in answer

"""Behind a proxy that speaks TLS: cookies, headers, names and addresses as browsers and strangers meet them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from multidict import CIMultiDict

from guarded import PASSWORD, Answer, Client, Guarded, guarded
from hutch.bootstrap.wire import open_context
from hutch.commands.access import people
from hutch.model.access import AccessRole
from hutch.web.app import build_ingest, build_status
from hutch.web.guard import HEADERS

HOST = "hutch.example.com"
MORE = f"access: {{url: 'https://{HOST}', proxies: [127.0.0.0/8, 10.0.0.0/8], api_rate: 5/minute}}\n"
COOKIE = "__Host-hutch-session"


@pytest.fixture
async def hutch(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, MORE) as found:
        await people.add(found.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
        yield found


def headers(cookie: str = "", **more: str) -> dict[str, str]:
    hops = "192.0.2.66, 203.0.113.9, 10.0.0.7"
    given = {"Host": HOST, "X-Forwarded-For": hops, "Sec-Fetch-Site": "same-origin", **more}
    return {**given, **({"Cookie": cookie} if cookie else {})}


async def sign_in(client: Client, cookie: str = "", origin: str = f"https://{HOST}") -> Answer:
    page = await client.ask("GET", "/sign-in", headers())
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token, page.text
    fields = {"token": token[1], "name": "ada", "password": PASSWORD}
    return await client.ask("POST", "/sign-in", headers(cookie, Origin=origin), data=fields)


async def test_the_cookie_goes_over_https_to_this_host_alone_and_is_new_at_each_sign_in(hutch: Guarded) -> None:
    client = await hutch.client()
    answer = await sign_in(client, f"{COOKIE}=planted-by-somebody; hutch-session=planted-too")
    assert answer.status == 303
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    made = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert made["secure"] and made["httponly"] and made["samesite"] == "lax" and made["path"] == "/"
    assert made["domain"] == "" and "planted" not in made.value
    own = f"{COOKIE}={made.value}"
    assert (await client.ask("GET", "/account", headers(own))).status == 200
    assert (await client.ask("GET", "/account", headers(f"hutch-session={made.value}"))).status == 303
    again = SimpleCookie((await sign_in(client, own)).headers["Set-Cookie"])[COOKIE].value
    assert again != made.value
    assert (await client.ask("GET", "/account", headers(own))).status == 303, "the one before has ended"
    assert (await client.ask("GET", "/account", headers(f"{COOKIE}={again}"))).status == 200


async def test_who_asks_is_read_from_the_right_and_no_further_than_our_proxies_wrote_it(hutch: Guarded) -> None:
    assert (await sign_in(await hutch.client())).status == 303
    (begun,) = [data for _, kind, data in await hutch.told() if kind == "session.begun"]
    assert begun["address"] == "203.0.113.9", "what stands left of it is what the sender says"


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (["192.0.2.66", "203.0.113.9"], "203.0.113.9"),  # the proxy adds a line below the sender's own
        (["192.0.2.66, 10.0.0.8", "::ffff:203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        (["203.0.113.9", "::ffff:10.0.0.7"], "203.0.113.9"),
        (["203.0.113.9", "nonsense"], "unknown"),
        (["203.0.113.9\t, 10.0.0.7,,"], "203.0.113.9"),
    ],
)
async def test_no_line_of_the_sender_s_own_stands_for_what_our_proxy_wrote(
    hutch: Guarded, lines: list[str], seen: str
) -> None:
    client = await hutch.client()
    page = await client.ask("GET", "/sign-in", headers())
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token
    sent = CIMultiDict(headers(Origin=f"https://{HOST}"))
    del sent["X-Forwarded-For"]
    for line in lines:
        sent.add("X-Forwarded-For", line)
    fields = {"token": token[1], "name": "ada", "password": PASSWORD}
    async with client.http.post(hutch.address + "/sign-in", data=fields, headers=sent, allow_redirects=False) as answer:
        assert answer.status == 303
    (begun,) = [data for _, kind, data in await hutch.told() if kind == "session.begun"]
    assert begun["address"] == seen


async def test_another_name_and_another_origin_are_refused(hutch: Guarded) -> None:
    client = await hutch.client()
    for name in ("evil.example", f"{HOST}.evil.example", f"evil.{HOST}"):
        assert (await client.ask("GET", "/sign-in", headers(Host=name))).status == 400, name
    for origin in (f"http://{HOST}", "https://evil.example", f"https://{HOST}.evil.example", f"https://{HOST}:8443"):
        assert (await sign_in(client, origin=origin)).status == 403, origin


async def test_what_one_token_asks_of_the_api_is_limited(hutch: Guarded) -> None:
    one, other = await hutch.token("ada", "read"), await hutch.token("ada", "read")
    found = [(await one.ask("GET", "/api/v1/services", headers())).status for _ in range(6)]
    assert found == [200] * 5 + [429]
    assert (await other.ask("GET", "/api/v1/services", headers())).status == 429, "those of one person count as one"
    assert (await one.ask("GET", "/runs", headers())).status == 200, "pages are not held up by it"


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/people", "/api/v1/incidents", "/api/v1/openapi.json", "/healthz",
             "/metrics", "/static/x/y", "/openid/start", "/a/none", "/first/none", "/v2/enqueue",
             "/api/v1/ingest/generic"],
)  # fmt: skip
async def test_every_answer_says_what_a_page_may_do(hutch: Guarded, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await (await hutch.client()).ask(method, path, headers())
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (method, name)
        assert answer.headers["Cache-Control"] and "server" not in {name.lower() for name in answer.headers}


def paths(app: object) -> set[str]:
    """``METHOD path`` of every route."""
    found: set[str] = set()
    for route in app.routes:  # type: ignore[attr-defined]
        inner = getattr(route, "original_router", None)
        found |= paths(inner) if inner is not None else {f"{m} {route.path}" for m in route.methods}
    return found


def test_the_listeners_for_strangers_offer_this_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: whatever is added here may be reached by anybody."""
    monkeypatch.setenv("INGEST_TOKEN", "0123456789abcdef0123456789abcdef")
    (tmp_path / "hutch.yaml").write_text(
        "services: {shop: {}}\nstatus_page: {title: Acme, components: [{name: Website}]}\n"
        "ingest: [{source: generic, token: {env: INGEST_TOKEN}}]\n"
    )
    context = open_context(tmp_path / "hutch.yaml")
    assert paths(build_status(context)) == {
        "GET /", "HEAD /", "GET /{path:path}", "HEAD /{path:path}", "GET /subscribe", "POST /subscribe",
        "GET /subscription/{token}", "POST /subscription/{token}", "GET /report", "POST /report",
    }  # fmt: skip
    assert paths(build_ingest(context)) == {
        "POST /api/v1/ingest/{source}", "POST /v2/enqueue", "POST /api/v1/pagerduty", "GET /a/{token}",
        "POST /a/{token}",
    }  # fmt: skip

"""Portfolios: owners only, soft delete, the public page."""

from __future__ import annotations

import re
from typing import Any


async def test_a_portfolio_lives(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    made = await replica.new_portfolio(token, "ann")
    path = f"/api/portfolios/{made['id']}"
    assert (made["published"], made["visibility"]) == (False, "public")

    edited = await replica.ask("PATCH", path, token=token, json={"title": "Better work"})
    assert (edited.json["title"], edited.json["subdomain"]) == ("Better work", "ann")
    assert (await replica.ask("POST", path + "/publish", token=token)).json["published"] is True
    assert (await replica.ask("POST", path + "/unpublish", token=token)).json["published"] is False
    assert (await replica.ask("GET", path, token=token)).json["title"] == "Better work"
    actions = rows("SELECT action FROM audit_logs WHERE details->>'portfolio_id' = %s ORDER BY id", made["id"])
    assert [r[0] for r in actions] == [
        "portfolio.created",
        "portfolio.updated",
        "portfolio.published",
        "portfolio.unpublished",
        "data.accessed",
    ]


async def test_deleting_marks_and_hides(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    made = await replica.new_portfolio(token, "ann")
    path = f"/api/portfolios/{made['id']}"
    await replica.ask("POST", path + "/publish", token=token)
    assert (await replica.ask("GET", "/p/ann")).status == 200

    assert (await replica.ask("DELETE", path, token=token)).status == 204
    assert rows("SELECT deleted_at IS NOT NULL, deleted_by = user_id FROM portfolios") == [(True, True)]
    assert rows("SELECT count(*) FROM audit_logs WHERE action LIKE '%%.deleted'") == [(1,)]
    assert (await replica.ask("GET", "/p/ann")).status == 404
    assert (await replica.ask("GET", path, token=token)).status == 404
    assert (await replica.ask("DELETE", path, token=token)).status == 404
    assert (await replica.ask("GET", "/api/portfolios", token=token)).json == []
    assert (await replica.ask("GET", "/api/portfolios")).json == []


async def test_nobody_touches_what_belongs_to_another(replica: Any, rows: Any) -> None:
    ann, bob = await replica.new_user("ann@example.com"), await replica.new_user("bob@example.com")
    path = f"/api/portfolios/{(await replica.new_portfolio(ann, 'ann'))['id']}"
    for method, at in (("GET", path), ("PATCH", path), ("DELETE", path), ("POST", path + "/publish")):
        body = {"json": {"title": "mine"}} if method == "PATCH" else {}
        assert (await replica.ask(method, at, token=bob, **body)).status == 404
        assert (await replica.ask(method, at, **body)).status == 401
    assert rows("SELECT title, published, deleted_at FROM portfolios") == [("Work", False, None)]
    assert rows("SELECT count(*) FROM security_logs WHERE event_type = 'UNAUTHORIZED_ACCESS'") == [(4,)]


async def test_the_list_is_ones_own_or_what_is_public(replica: Any) -> None:
    ann, bob = await replica.new_user("ann@example.com"), await replica.new_user("bob@example.com")
    for name, visibility, published in (
        ("seen", "public", True),
        ("draft", "public", False),
        ("unlisted", "unlisted", True),
        ("private", "private", True),
    ):
        made = await replica.new_portfolio(ann, name, visibility=visibility)
        if published:
            await replica.ask("POST", f"/api/portfolios/{made['id']}/publish", token=ann)

    async def listed(token: str = "") -> set[str]:
        return {row["subdomain"] for row in (await replica.ask("GET", "/api/portfolios", token=token)).json}

    assert await listed() == {"seen"}
    assert await listed(ann) == {"seen", "draft", "unlisted", "private"}
    assert await listed(bob) == set()
    shown = [(await replica.ask("GET", f"/p/{n}")).status for n in ("seen", "draft", "unlisted", "private")]
    assert shown == [200, 404, 200, 404]


async def test_the_public_page_is_escaped(replica: Any) -> None:
    token = await replica.new_user("ann@example.com")
    text = {"title": "<img src=x onerror=1>", "content": "A & B <script>alert(1)</script>\n\n$title"}
    made = await replica.new_portfolio(token, "ann", **text)
    await replica.ask("POST", f"/api/portfolios/{made['id']}/publish", token=token)
    page = await replica.ask("GET", "/p/ann")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'"
    assert re.findall(r"<(?:img|script)", page.text) == []
    assert "<p>A &amp; B &lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p>$title</p>" in page.text
    head = await replica.ask("HEAD", "/p/ann")
    assert (head.status, head.text) == (200, "")


async def test_a_subdomain_belongs_to_one(replica: Any) -> None:
    token = await replica.new_user("ann@example.com")
    await replica.new_portfolio(token, "taken")
    other = await replica.new_portfolio(token, "free")
    again = await replica.ask("POST", "/api/portfolios", token=token, json={"title": "x", "subdomain": "taken"})
    moved = await replica.ask("PATCH", f"/api/portfolios/{other['id']}", token=token, json={"subdomain": "taken"})
    assert [(a.status, a.json["error"]) for a in (again, moved)] == [(409, "this subdomain is taken")] * 2


async def test_bad_input_is_422(replica: Any) -> None:
    token = await replica.new_user("ann@example.com")
    made = await replica.new_portfolio(token, "ann")
    path = f"/api/portfolios/{made['id']}"
    for body in (
        {"title": "x", "subdomain": "Not A Name"},
        {"title": "x", "subdomain": "name\n"},
        {"title": " ", "subdomain": "x"},
        {"title": "x\x00y", "subdomain": "x"},
        {"title": "x", "subdomain": "x", "user_id": "somebody-else"},
        {"title": "x", "subdomain": "x", "visibility": "secret"},
    ):
        assert (await replica.ask("POST", "/api/portfolios", token=token, json=body)).status == 422, body
    for edit in ({}, {"published": True}, {"title": None}):
        assert (await replica.ask("PATCH", path, token=token, json=edit)).status == 422, edit
    for query in ("limit=0", "limit=101", "offset=-1", "offset=999999999999999999999"):
        assert (await replica.ask("GET", f"/api/portfolios?{query}")).status == 422, query
    assert (await replica.ask("GET", "/p/a%00b")).status in (404, 422)


async def test_an_export_is_noted(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    await replica.new_portfolio(token, "ann")
    exported = await replica.ask("GET", "/api/account/export", token=token)
    assert [row["subdomain"] for row in exported.json["portfolios"]] == ["ann"]
    assert exported.json["account"]["email"] == "ann@example.com"
    assert [row["action"] for row in exported.json["activity"]][-2:] == ["user.logged_in", "user.registered"]
    assert len(exported.json["sessions"]) == 1
    assert "password" not in exported.text
    assert "token" not in exported.text
    noted = {"records": 6, "bytes": len(exported.text.encode()), "portfolios": 1}
    assert rows("SELECT details FROM audit_logs WHERE action = 'data.exported'") == [(noted,)]

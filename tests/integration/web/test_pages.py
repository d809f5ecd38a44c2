"""The pages over HTTP: as a browser without JavaScript, and as somebody who means harm, meets them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hutch.commands import incidents, runs, todo
from hutch.commands.freeze import freeze, thaw
from hutch.commands.respond import run_document
from hutch.model.action import Command
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.incident import Incident
from hutch.model.program import Item, Option, Program
from hutch.model.run import ChangeState
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.web.assets import files, url

HOSTILE = "<script>alert(1)</script>\"' onmouseover=alert(1) <img src=x onerror=alert(1)>"


async def declared(site: Any, title: str = "It is slow", runbook: str = "trouble") -> Incident:
    return await incidents.declare(
        site.context, title=title, service="shop", severity=Severity.SEV2, runbook=runbook, actor="olivia"
    )


async def waiting(site: Any) -> tuple[Incident, str]:
    """An incident whose run waits for approval."""
    state = await declared(site)
    for _ in range(200):
        state = await incidents.load(site.context, state.id)
        if state.runs:
            break
        await asyncio.sleep(0.05)
    await site.until(state.runs[0], lambda r: r.waiting == "approval")
    return state, state.runs[0]


# ------------------------------------------------------------------ what pages may do


async def test_every_answer_forbids_what_a_page_does_not_need(site: Any) -> None:
    state, run = await waiting(site)
    icon = (await site.page("/")).html.partition('rel="icon" href="')[2].partition('"')[0]
    paths = ["/", f"/incidents/{state.id}", f"/incidents/{state.id}?fragment=1", f"/runs/{run}", "/no", icon]
    for path in [*paths, f"/incidents/{state.id}/review.txt", "/api/v1/incidents", "/api/v1/nothing"]:
        async with site.client.get(site.address + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
            assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_no_page_holds_anything_inline_or_from_elsewhere(site: Any) -> None:
    state, run = await waiting(site)
    for path in ("/", f"/incidents/{state.id}", f"/runs/{run}"):
        page = await site.page(path)
        assert [a for a in page.attributes if a[1] == "style" or a[1].startswith("on")] == []
        assert [a for a in page.attributes if a[1] in ("src", "href") and not a[2].startswith(("/", "#"))] == []
        assert "<style" not in page.html and page.html.count("<script") == 1


async def test_files_can_be_kept_for_good_and_are_only_ours(site: Any) -> None:
    script = next(a[2] for a in (await site.page("/")).attributes if a[:2] == ("script", "src"))
    async with site.client.get(site.address + script) as answer:
        assert answer.content_type == "text/javascript" and "immutable" in answer.headers["Cache-Control"]
    for path in ("/static/x/page.css", "/static/x/..%2fsite.py", "/static/x/nothing.js"):
        async with site.client.get(site.address + path) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) in [(200, "no-store"), (404, "no-store")]
            assert "hutch.web" not in await answer.text()


async def test_files_go_packed_to_whoever_takes_that(site: Any) -> None:
    for name, content in files().items():
        place = site.address + url(name)
        for accepts, packs in (("gzip, br", True), ("br;q=1, GZIP;q=0.5", True), ("gzip;q=0", False), ("br", False)):
            async with site.client.get(place, headers={"Accept-Encoding": accepts}) as answer:
                assert (answer.headers.get("Content-Encoding") == "gzip") is packs, (name, accepts)
                assert await answer.read() == content and answer.headers["Vary"] == "Accept-Encoding"


async def test_a_page_goes_packed_only_where_the_address_brings_no_words(site: Any) -> None:
    state, _ = await waiting(site)
    room = f"/incidents/{state.id}"
    pages = {room: True, f"{room}?fragment=1": True, f"{room}?q=pool": False, f"{room}?fragment=1&q=pool": False,
             "/incidents/INC-1999-1": False, f"{room}/update.txt": False}  # fmt: skip
    for path, packs in pages.items():
        async with site.client.get(site.address + path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert (answer.headers.get("Content-Encoding") == "gzip") is packs, path
        async with site.client.get(site.address + path, headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers, path
    token = (await site.page(room)).html.partition('name="token" value="')[2].partition('"')[0]
    form = {"token": token, "text": "looked", "actor": "ann"}
    async with site.client.post(f"{site.address}{room}/notes", data=form, allow_redirects=False) as answer:
        assert answer.status == 303 and "Content-Encoding" not in answer.headers


async def test_hostile_text_is_shown_not_run(site: Any) -> None:
    state = await declared(site, HOSTILE + "\u202egnp.exe", runbook="")
    await incidents.note(site.context, state.id, HOSTILE, HOSTILE)
    item = {"id": "i", "title": HOSTILE, "line": 1, "expects": [], "refused": "",
            "command": {"runner": "sh", "text": HOSTILE, "target": HOSTILE, "effect": "read"}}  # fmt: skip
    program = {"reads": [item], "options": [], "verification": [], "skipped": []}
    started = {"service": "shop", "title": HOSTILE, "document": HOSTILE, "hash": "h", "incident": state.id,
               "mode": "act", "program": program}  # fmt: skip
    said = {"item": "i", "title": HOSTILE, "text": HOSTILE, "status": "failed", "summary": HOSTILE,
            "output": HOSTILE + "\x1b[31mred\u202e", "seconds": 1.0}  # fmt: skip
    cause = {"code": HOSTILE, "summary": HOSTILE, "object": {"kind": HOSTILE, "id": HOSTILE}, "confidence": 0.5,
             "evidence": [HOSTILE], "remedies": []}  # fmt: skip
    check = {"name": HOSTILE, "status": HOSTILE, "reason": HOSTILE, "target": HOSTILE, "seconds": 1}
    seen = {"healthy": False, "causes": [cause], "checks": [check], "seconds": 1.0}
    drafts = (Draft("run.started", started, HOSTILE), Draft("statement.finished", said), Draft("diagnosis.made", seen))
    linked = Append(state.stream, (Draft("run.linked", {"run": "R-1", "title": HOSTILE}),))
    await site.context.store.commit([Append("run:R-1", drafts), linked])
    for path in ("/", f"/incidents/{state.id}", f"/incidents/{state.id}?fragment=1", "/runs/R-1"):
        page = await site.page(path)
        assert "<script>alert" not in page.html and "<img" not in page.html
        assert [a for a in page.attributes if a[1].startswith("on")] == []
        assert "\u202e" not in page.html and "\x1b" not in page.html
        assert "<script>alert(1)</script>" in page.said


# ------------------------------------------------------------------ what a person does, without JavaScript


async def test_approving_takes_a_form_and_says_by_whom_it_was_done(site: Any) -> None:
    state, run = await waiting(site)
    page = await site.page(f"/incidents/{state.id}")
    form = page.form("/approval")
    for shown in ("mkdir noted", "Undo", "Hits", "Expires", "change"):
        assert shown in page.said
    after = await site.send(form, actor="olivia")
    assert "You approved “Option 1: Make a note” as olivia." in after.said
    assert 'name="actor" value="olivia"' in after.html  # kept in a cookie
    again = await site.send(form, actor="peter")
    assert "Not done: “Option 1: Make a note” was already approved by olivia" in again.said
    await site.until(run, lambda r: r.chosen[0].state not in (ChangeState.OFFERED, ChangeState.APPROVED))
    journal = await site.context.store.read(f"run:{run}")
    assert [e.actor for e in journal if e.kind == "approval.granted"] == ["olivia"]
    assert len([e for e in journal if e.kind == "change.intended"]) == 1
    assert (await incidents.load(site.context, state.id)).acknowledged_by == "olivia"


async def test_a_notice_is_said_once(site: Any) -> None:
    state, _ = await waiting(site)
    page = await site.page(f"/incidents/{state.id}")
    async with site.client.post(
        site.address + page.form("/acknowledgement").action,
        data=page.form("/acknowledgement").fields,
        allow_redirects=False,
    ) as answer:
        place = answer.headers["Location"]
        cookie = answer.headers["Set-Cookie"]
    assert "SameSite=strict" in cookie and "HttpOnly" in cookie
    assert " has it." in (await site.page(place)).html.partition('id="notice"')[2].partition("</div>")[0]
    assert "banner" not in (await site.page(place)).html.partition('id="notice"')[2].partition("</div>")[0]


async def test_declining_with_a_reason(site: Any) -> None:
    state, run = await waiting(site)
    form = (await site.page(f"/incidents/{state.id}")).form("/denial")
    assert "You declined it." in (await site.send(form, actor="olivia", reason="not now")).said
    assert (await runs.load(site.context, run)).chosen[0].state is ChangeState.DENIED
    assert "not now" in (await site.page(f"/runs/{run}")).said


async def test_what_is_no_longer_as_shown_is_refused_and_why(site: Any) -> None:
    state, run = await waiting(site)
    form = (await site.page(f"/incidents/{state.id}")).form("/approval")
    assert "no longer what you were shown" in (await site.send(form, digest="0" * 64)).said
    assert "what you were shown is missing" in (await site.send(form, digest="")).said
    await freeze(site.context, "a release is being looked at", "peter")
    frozen = await site.page(f"/incidents/{state.id}")
    assert "Changes are stopped: a release is being looked at" in frozen.said
    assert [f for f in frozen.forms if f.action.endswith("/approval")] == []
    assert "Not done: changes are stopped: a release is being looked at" in (await site.send(form)).said
    await thaw(site.context, "peter")
    assert (await runs.load(site.context, run)).chosen[0].state is ChangeState.OFFERED


async def test_what_loses_data_asks_for_a_tick(site: Any) -> None:
    wipe = Command("sql", "truncate visits", "db", Effect.DESTROY)
    option = Option("o1", "Empty the table", (Item("i1", "Empty", 1, wipe),))
    started = {"service": "shop", "title": "t", "document": "d", "hash": "", "incident": "", "mode": "act"}
    preview = {"summary": "all rows", "hits": 1, "items": [], "undo": "", "refused": ""}
    offer = {"option": option.as_dict(), "digest": option.digest(), "target": "db", "preview": preview}
    program = Program(options=(option,)).as_dict()
    drafts = (Draft("run.started", {**started, "program": program}), Draft("approval.requested", offer))
    await site.context.store.commit([Append("run:R-1", drafts)])
    page = await site.page("/runs/R-1")
    assert "I know that this loses data" in page.said and "There is no way back." in page.said
    assert "loses data: tick that you know it" in (await site.send(page.form("/approval"))).said
    assert (await runs.load(site.context, "R-1")).chosen[0].approved_by == ""
    await site.send(page.form("/approval"), certain="yes", actor="olivia")
    assert (await runs.load(site.context, "R-1")).chosen[0].approved_by == "olivia"


async def test_observe_mode_offers_no_button_and_refuses(opened: Callable[..., Awaitable[Any]]) -> None:
    site = await opened("observe")
    state = await declared(site)
    found = await site.until((await _linked(site, state.id)).runs[0], lambda r: r.ranked)
    page = await site.page(f"/incidents/{state.id}")
    assert "Observe mode" in page.said and "mkdir noted" in page.said
    assert [f for f in page.forms if f.action.endswith("/approval")] == []
    form = page.form("/notes")
    form.fields |= {"option": found.chosen[0].option.id, "digest": found.chosen[0].digest}
    refused = await site.send(form, f"/runs/{found.id}/approval")
    assert "Not done:" in refused.said and ("observe" in refused.said or "is over" in refused.said)


async def _linked(site: Any, incident_id: str) -> Incident:
    for _ in range(200):
        state = await incidents.load(site.context, incident_id)
        if state.runs:
            return state
        await asyncio.sleep(0.05)
    raise AssertionError(incident_id)


async def test_notes_name_and_resolution(site: Any) -> None:
    state = await declared(site, runbook="")
    here = f"/incidents/{state.id}"
    assert "You do" not in (await site.send((await site.page(here)).form(f"/me?page={here}"), actor="Peter Ä")).said
    noted = await site.send((await site.page(here)).form("/notes"), text="line one\r\nline two")
    assert "Peter Ä noted: line one line two" in noted.said
    assert "the note is missing" in (await site.send((await site.page(here)).form("/notes"), text="  ")).said
    form = (await site.page(here)).form("/resolution")
    assert "is resolved." in (await site.send(form, text="restarted")).said
    assert "already: restarted" in (await site.send(form, text="again")).said


async def test_a_change_that_nobody_can_judge_is_decided(site: Any) -> None:
    run = await run_document(site.context, "trouble", "shop", actor="olivia")
    await site.until(run.id, lambda r: r.waiting == "approval")
    await site.send((await site.page(f"/runs/{run.id}")).form("/approval"), actor="olivia")
    await site.until(run.id, lambda r: r.chosen[0].state is ChangeState.UNDECIDED)
    page = await site.page(f"/runs/{run.id}")
    assert "nothing verifies this change: say what you see" in page.said
    form = page.form("/decision")
    assert "say whether it worked or failed" in (await site.send(form)).said
    assert "You said that it worked." in (await site.send(form, choice="worked", note="there it is")).said
    assert "waits for no decision" in (await site.send(form, choice="failed")).said
    assert (await runs.load(site.context, run.id)).chosen[0].state is ChangeState.VERIFIED


async def test_the_room_shows_past_incidents_like_it_and_its_action_items(site: Any) -> None:
    leak = {"code": "postgres.connection_leak", "summary": "s", "object": {"kind": "role", "id": "r"}}
    rooms = []
    for title in ("Errors at checkout", "Errors <b>again</b>"):
        state = await incidents.declare(site.context, title=title, service="shop", severity=Severity.SEV2)
        await incidents.change(site.context, state.id, lambda _: [Draft("cause.named", leak)])
        rooms.append(state.id)
        if len(rooms) == 1:
            await incidents.resolve(site.context, state.id, "restarted by hand", "olivia")
    due = site.context.clock.now() + timedelta(days=9)
    await todo.add(site.context, rooms[1], todo.Wanted("Bound the pool", "olivia", due, ""), "olivia")
    page = await site.page(f"/incidents/{rooms[1]}")
    assert f"{rooms[0]} Errors at checkout" in page.said and "helped: restarted by hand" in page.said
    assert "the same cause postgres.connection_leak, role r" in page.said
    assert "Bound the pool" in page.said and f"olivia · due {due:%Y-%m-%d}" in page.said


# ------------------------------------------------------------------ what others try


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 400),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
async def test_a_foreign_page_changes_nothing(site: Any, headers: dict[str, str], status: int) -> None:
    state = await declared(site, runbook="")
    form = (await site.page(f"/incidents/{state.id}")).form("/acknowledgement")
    async with site.client.post(site.address + form.action, data=form.fields, headers=headers) as answer:
        assert answer.status == status
    assert (await incidents.load(site.context, state.id)).acknowledged_by == ""


@pytest.mark.parametrize("token", ["", "guessed", "ä"])
async def test_a_form_that_we_did_not_draw_is_refused(site: Any, token: str) -> None:
    state = await declared(site, runbook="")
    form = (await site.page(f"/incidents/{state.id}")).form("/acknowledgement")
    async with site.client.post(site.address + form.action, data={**form.fields, "token": token}) as answer:
        assert answer.status == 403
        assert "started again since this page was drawn" in await answer.text()
    assert (await incidents.load(site.context, state.id)).acknowledged_by == ""


async def test_a_form_is_bounded(site: Any) -> None:
    async with site.client.post(f"{site.address}/me", data={"actor": "x" * 70_000}) as answer:
        assert answer.status == 413


async def test_a_redirect_stays_here(site: Any) -> None:
    form = (await site.page("/")).form("/me?page=/")
    for place in ("//evil.example", "https://evil.example", "/incidents/../x", "/incidents/a?b"):
        url = f"{site.address}/me"
        async with site.client.post(
            url, params={"page": place}, data={**form.fields, "actor": "o"}, allow_redirects=False
        ) as answer:
            assert answer.headers["Location"].startswith("/?said=")


async def test_what_is_not_there_is_said_on_a_page(site: Any) -> None:
    for path in ("/incidents/INC-1999-001", "/runs/R-0", "/nothing", "/events?after=x"):
        async with site.client.get(site.address + path) as answer:
            assert answer.status in (404, 422)
            assert answer.content_type == "text/html"
    async with site.client.post(f"{site.address}/api/v1/incidents", json={}) as answer:
        assert answer.status == 422 and "severity" in (await answer.json())["error"]


async def test_an_empty_list_says_what_to_do(site: Any) -> None:
    page = await site.page("/")
    assert "hutch incident declare" in page.said and "No open incident" in page.said
    await declared(site, "A", runbook="")
    await incidents.declare(site.context, title="B", service="shop", severity=Severity.SEV1)
    html = (await site.page("/")).html
    assert html.index("INC-") and html.index(">B<") < html.index(">A<")  # its promise is due first


# ------------------------------------------------------------------ however long, and however many


async def test_a_long_incident_is_told_a_window_at_a_time_and_older_events_are_a_link_away(site: Any) -> None:
    state = await declared(site, runbook="")
    for start in range(0, 900, 300):
        notes = tuple(Draft("note.added", {"text": f"looked at node {n}."}, "ann") for n in range(start, start + 300))
        await site.context.store.commit([Append(state.stream, notes)])
    address, seen = f"/incidents/{state.id}", []
    while address:
        page = await site.page(address)
        lines = [a[2] for a in page.attributes if a[:2] == ("li", "id") and a[2].startswith(state.stream)]
        assert 0 < len(lines) <= 200
        seen += lines
        older = [a[2] for a in page.attributes if a[:2] == ("a", "href") and "?upto=" in a[2]]
        assert len(older) <= 1
        assert ("The newest events" in page.html) == (len(seen) > len(lines))
        address = older[0].partition("#")[0] if older else ""
    total = (await incidents.load(site.context, state.id)).seq
    assert sorted(seen) == sorted(f"{state.stream}#{seq}" for seq in range(1, total + 1))
    assert "looked at node 17." in (await site.page(f"/incidents/{state.id}?q=node+17.")).html


async def test_lists_are_narrowed_and_go_on_page_by_page(site: Any) -> None:
    for number in range(120):
        state = await declared(site, title=f"number {number}", runbook="")
        if number % 2:
            await incidents.resolve(site.context, state.id, "well again", "ann")
    front = (await site.page("/")).html
    assert "60 open incidents" in front and "The latest 10 of 60" in front
    address, seen = "/incidents?state=open&service=shop&severity=SEV-2", []
    while address:
        page = await site.page(address)
        seen += [a[2] for a in page.attributes if a[:2] == ("li", "id")]
        following = [a[2] for a in page.attributes if a[:2] == ("a", "href") and "after=" in a[2]]
        address = following[0] if following else ""
    assert len(seen) == len(set(seen)) == 60
    assert "No incident fits" in (await site.page("/incidents?state=open&severity=SEV-4")).html
    for bad in ("state=odd", "severity=SEV-9", "after=here"):
        async with site.client.get(f"{site.address}/incidents?{bad}") as answer:
            assert answer.status == 422
    async with site.client.get(f"{site.address}/api/v1/incidents?state=resolved&limit=7") as answer:
        found = await answer.json()
    assert len(found) == 7 and not any(one["open"] for one in found) and found[-1]["next"]

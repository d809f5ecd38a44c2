"""The incident's room over HTTP, as a browser without JavaScript meets it: people, severity, pins, items, updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, messages
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.model.roles import Role
from hutch.model.severity import Severity

HOSTILE = "<script>alert(1)</script>\"' onmouseover=alert(1) <img src=x onerror=alert(1)>"


async def declared(site: Any) -> tuple[Incident, str]:
    state = await incidents.declare(
        site.context, title="It is slow", service="shop", severity=Severity.SEV3, actor="olivia", respond=False
    )
    return state, f"/incidents/{state.id}"


async def test_a_role_is_taken_and_handed_over_with_a_reason(site: Any) -> None:
    state, place = await declared(site)
    assert "olivia is the incident commander" in await site.told(place, "/roles", role="commander", actor="olivia")
    assert "hand it over with" in await site.told(place, "/roles", role="commander", who="peter", reason="")
    said = await site.told(place, "/roles", role="commander", who="peter", reason="olivia sleeps")
    assert "peter is the incident commander" in said
    assert "maya is the scribe" in await site.told(place, "/roles", role="scribe", who="maya")
    form = (await site.page(place)).form("/roles")
    await site.send(form, f"{place}/roles/release", role="scribe", who="maya", reason="she goes home")
    found = await incidents.load(site.context, state.id)
    assert found.commander == "peter" and not found.roles[Role.SCRIBE]
    assert "there is no role" in await site.told(place, "/roles", role="king", who="me")


async def test_the_severity_changes_and_it_comes_back_each_with_a_reason(site: Any) -> None:
    state, place = await declared(site)
    assert "the reason is missing" in await site.told(place, "/severity", severity="SEV-1", reason="")
    assert "is SEV-1 now" in await site.told(place, "/severity", severity="SEV-1", reason="checkout fails")
    assert "already" in await site.told(place, "/severity", severity="SEV-1", reason="again")
    assert "is resolved" in await site.told(place, "/resolution", text="rolled back")
    assert "is open again" in await site.told(place, "/reopening", reason="errors are back")
    found = await incidents.load(site.context, state.id)
    assert (found.severity, found.open, found.reopened) == (Severity.SEV1, True, 1)


async def test_pins_stand_above_and_the_timeline_is_narrowed_by_its_address(site: Any) -> None:
    state, place = await declared(site)
    told = await incidents.note(site.context, state.id, f"the pool is full {HOSTILE}", "peter")
    await incidents.note(site.context, state.id, "the cache is well", "maya")
    ref = f"incident:{state.id}#{told.seq}"
    assert "it stands above" in await site.told(place, "/pins", ref=ref)
    page = await site.page(place)
    assert "Pinned" in page.said and "<script>alert" not in page.html
    assert "has no event" in await site.told(place, "/pins", ref="incident:INC-2020-001#1")
    narrowed = (await site.page(f"{place}?show=people&q=pool")).html.partition('role="log"')[2]
    assert "the pool is full" in narrowed and "the cache is well" not in narrowed and "Promised" not in narrowed
    only = (await site.page(f"{place}?show=pinned")).html.partition('role="log"')[2]
    assert "the pool is full" in only and "the cache is well" not in only
    assert "The pin is off" in await site.told(place, "/pins", down=ref)
    assert "Pinned</h2>" not in (await site.page(place)).html


async def test_who_decides_on_an_older_page_hears_what_happened(site: Any) -> None:
    state, place = await declared(site)
    page = await site.page(place)
    await incidents.set_severity(site.context, state.id, Severity.SEV1, "checkout fails", "peter")
    said = (await site.send(page.later("/resolution"), text="well again", actor="olivia")).said
    assert "changed while you decided" in said and "Severity is now SEV-1: checkout fails" in said
    assert (await incidents.load(site.context, state.id)).open


async def test_who_is_hit_and_what_is_true_instead_are_said(site: Any) -> None:
    state, place = await declared(site)
    assert "It is said who is hit" in await site.told(place, "/affected", users=f"all {HOSTILE}", share="33")
    assert "unknown service" in await site.told(place, "/affected", services="nothing", users="")
    assert "the share is" in await site.told(place, "/affected", share="many")
    assert "nothing is measured" in await site.told(place, "/assessment")
    assert "is corrected" in await site.told(place, "/corrections", event="1", text=f"It is fast {HOSTILE}")
    page = await site.page(place)
    assert "33 % of the users" in page.said and "Corrected: It is fast" in page.said
    assert "<script>alert" not in page.html
    assert (await incidents.load(site.context, state.id)).record.affected.share == 33


async def test_action_items_are_added_and_done(site: Any) -> None:
    state, place = await declared(site)
    refused = await site.told(place, "/items", text="x", owner="maya", due="yesterday")
    assert "Not done" in refused
    said = await site.told(place, "/items", text=f"Alert on it {HOSTILE}", owner="maya", due="2999-01-01")
    assert "Not done" in said and "must lie ahead" in said
    day = f"{site.context.clock.now().year + 1}-02-03"
    assert "maya does it by" in await site.told(place, "/items", text=f"Watch {HOSTILE}", owner="maya", due=day)
    assert "<script>alert" not in (await site.page(place)).html
    assert "is done" in await site.told(place, "/items/1/done")
    assert not (await incidents.load(site.context, state.id)).items[0].open


# ------------------------------------------------------------------ updates


STATUS = "status_page: {title: Shop, components: [{name: Checkout, service: shop}, {name: Search}]}\n"


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    monkeypatch.setenv("HOOK", "json://127.0.0.1:9/x")
    audiences = ("responders", "stakeholders", "customers")
    told = "".join(f"    {a}-chat: {{kind: apprise, url: {{env: HOOK}}, audience: {a}}}\n" for a in audiences)
    (tmp_path / "told.yaml").write_text(f"services: {{shop: {{}}}}\nnotify:\n  channels:\n{told}{STATUS}")
    return open_context(tmp_path / "told.yaml")


async def test_an_update_for_customers_leaves_on_a_second_page_only(channels: Context, served: Any) -> None:
    site = await served(channels)
    state, place = await declared(site)
    editor = f"{place}/updates/customers"
    page = await site.page(editor)
    assert "nobody has kept it yet" in page.said and "Keep the draft, then it can be sent" in page.said
    text = "[INVESTIGATING] Checkout\n\nWrite to help@shop.example"
    assert "Nothing was sent" in await site.told(editor, "/updates/customers", text=text, actor="olivia")
    page = await site.page(editor)
    assert "a mail address" in page.said and "Send to" not in page.said
    assert not any(f.action.endswith("/sending") for f in page.forms)
    last = await site.page(f"{editor}/sending")
    assert "Send to customers in 2 places" in last.said and "autofocus" in last.html.partition(">Cancel")[0][-60:]
    form = next(f for f in last.forms[1:] if "digest" in f.fields)
    unsure = await site.send(form, sure="")
    assert "confirmed on a page of its own" in unsure.said
    assert "nothing was sent" in (await site.send(form, override="")).said
    assert not [s for s in await messages.sent_of(site.context, state.stream) if s.message.audience == "customers"]
    await site.told(editor, "/updates/customers", text="[INVESTIGATING] Checkout\n\nSome payments fail.")
    assert "look again" in (await site.send(form, override="they know it")).said
    page = await site.page(f"{editor}/sending?c1=partial_outage")
    assert "Checkout degraded performance, Search partial outage" in page.said
    form = next(f for f in page.forms[1:] if f.action.endswith("/sending") and "digest" in f.fields)
    assert form.fields["c1"] == "partial_outage"
    assert "look again" in (await site.send(form, c1="major_outage")).said
    said = await site.send(form)
    assert "is on its way to customers-chat, the status page" in said.said
    assert "nobody has kept it yet" in said.said
    sent = await messages.sent_of(site.context, state.stream)
    assert [s.message.body for s in sent if s.message.audience == "customers"] == ["Some payments fail."]


async def test_a_draft_is_shown_escaped_and_a_slot_holds_it_back(channels: Context, served: Any) -> None:
    site = await served(channels)
    _, place = await declared(site)
    editor = f"{place}/updates/stakeholders"
    await site.told(editor, "/updates/stakeholders", text=f"Checkout </textarea></pre>{HOSTILE} [Number of users]")
    page = await site.page(editor)
    assert "<script>alert" not in page.html and page.html.count("</textarea>") == 1
    assert "once everything is filled in" in page.said
    async with site.client.get(f"{site.address}{place}/updates/nobody") as answer:
        assert answer.status == 404
    assert "no template" in (await _text(site, f"{editor}?template=nothing"))


async def _text(site: Any, path: str) -> str:
    async with site.client.get(site.address + path) as answer:
        return str(await answer.text())

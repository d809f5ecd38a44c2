"""Every page of the console on one server full of things: in both schemes, on a telephone, by axe, under attack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from hutch.bootstrap.wire import open_context
from hutch.commands import alerts, drafts, incidents, maintenance, oncall, pins, record, reviews, silences, todo
from hutch.commands.context import Context
from hutch.model.alert import Alert
from hutch.model.event import Draft
from hutch.model.message import Audience
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.web.server import listen, serving
from page_looks import BELOW, SMALL, WIDE

BAD = "<script>window.hurt=1</script><img src=x onerror='window.hurt=1'>\"><b onmouseover=window.hurt=1>"

CONFIG = f"""
mode: act
diagnose_every: 0s
services: {{shop: {{}}, billing: {{}}}}
alerts:
  - {{name: "High {BAD.replace('"', "'")}", condition: error_rate > 5%, duration: 5m, severity: SEV-2}}
people: {{anna: {{channels: []}}, ben: {{channels: []}}}}
oncall:
  primary: {{zone: Europe/Berlin, rotations: [{{people: [anna, ben], starts: 2026-01-05 09:00, every: 1d}}]}}
notify:
  channels:
    users: {{kind: apprise, url: {{env: HOOK}}, audience: customers}}
"""


@dataclass
class World:
    """The server's address, its context, and its two incidents."""

    address: str
    context: Context
    open: str
    over: str

    def paths(self) -> list[str]:
        room, update = f"/incidents/{self.open}", f"/incidents/{self.open}/updates/customers"
        pages = [
            "/",
            room,
            f"/incidents/{self.over}",
            update,
            f"{update}/sending",
            "/incidents?state=open",
            "/alerts",
            "/oncall",
            "/reviews",
        ]
        reading = [f"/reviews/{self.over}", "/reviews?q=hurt", "/todo?all=yes", "/reports", "/log", "/settings"]
        return [*pages, *reading, "/find?q=slow", "/drills"]


async def filled(context: Context) -> tuple[str, str]:
    """Everything that a page shows, with text of somebody who means harm wherever a person or a tool may write."""
    now = context.clock.now()
    over = await incidents.declare(
        context, title=f"Slow {BAD}", service="shop", severity=Severity.SEV2, actor=BAD, respond=False,
        detected_at=now - timedelta(hours=3), summary=BAD,
    )  # fmt: skip
    await incidents.resolve(context, over.id, BAD, BAD)
    await todo.add(
        context, over.id, todo.Wanted(f"Watch {BAD}", BAD, now + timedelta(days=2), "https://a.example/1"), BAD
    )
    await reviews.keep(context, over.id, f"# Review {BAD}\n\n## Impact\n- {BAD}: [Number {BAD[:20]}]\n", "", BAD)
    await reviews.publish(context, over.id, None, BAD, True, BAD)
    state = await incidents.declare(
        context, title=f"Slow {BAD}", service="shop", severity=Severity.SEV1, actor=BAD, respond=False
    )
    await incidents.assign(context, state.id, BAD, BAD, Role.COMMANDER)
    noted = await incidents.note(context, state.id, BAD, BAD)
    await pins.pin(context, state.id, f"incident:{state.id}#{noted.seq}", BAD)
    await record.correct(context, state.id, 1, BAD, BAD)
    await record.affected(context, state.id, ["billing"], BAD, 30, BAD)
    await drafts.save(context, state.id, Audience.CUSTOMERS, f"</textarea></pre>{BAD}\nWrite to a@b.example", BAD)
    await alerts.receive(context, [Alert(BAD, "shop", Severity.SEV2, now, BAD, labels={"a": BAD}, source="prometheus")])
    await silences.begin(context, [f"rule={BAD}"], timedelta(hours=2), BAD, BAD)
    await maintenance.add(context, BAD, "shop", now, now + timedelta(hours=1), BAD)
    await oncall.override(context, "primary", "ben", now, now + timedelta(hours=9), BAD, BAD)
    await context.store.commit([Append("audit:1", (Draft(BAD, {"summary": BAD}, BAD),))])
    return state.id, over.id


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("HOOK", "json://127.0.0.1:9/x")
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context = open_context(tmp_path / "hutch.yaml")
    state, over = await filled(context)
    listener = listen(0)
    async with serving(context, listener):
        yield World(f"http://127.0.0.1:{listener.getsockname()[1]}", context, state, over)
    await context.close()


Visit = Callable[..., Awaitable[Page]]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_every_page_can_be_read_on_any_screen_and_runs_nothing(world: World, visit: Visit) -> None:
    faults: list[Any] = []
    dark, light, narrow = [
        await visit(f"{world.address}/", color_scheme=scheme, viewport={"width": width, "height": 800})
        for scheme, width in (("dark", 1280), ("light", 1280), ("light", 360))
    ]
    for path in world.paths():
        answers = await asyncio.gather(*(page.goto(world.address + path) for page in (dark, light, narrow)))
        assert all(answer and answer.status == 200 for answer in answers), path
        looks = Axe().run(light), Axe().run(dark, options={"runOnly": ["color-contrast"]})
        for look in await asyncio.gather(*looks):
            violations = look.response["violations"]
            faults += [(path, v["id"], v["nodes"][0]["html"][:120]) for v in violations]
        faults += [(path, "wide", e) for e in await narrow.evaluate(WIDE)]
        faults += [(path, "small", e) for e in await narrow.evaluate(SMALL)]
        faults += [(path, "goes on below its content", e) for e in await light.evaluate(BELOW)]
        if await light.evaluate(
            "window.hurt !== undefined || document.querySelector('main script, main img') !== null"
        ):
            faults.append((path, "ran"))
        if "window.hurt" not in await light.inner_text("body") and path not in ("/reports", "/settings", "/drills"):
            faults.append((path, "does not show what is hostile"))
    assert faults == []


async def test_what_goes_to_customers_is_confirmed_and_back_leads_back(world: World, visit: Visit) -> None:
    place = f"{world.address}/incidents/{world.open}/updates/customers"
    page = await visit(place)
    await page.get_by_label("The words").fill("[INVESTIGATING] Checkout\n\nSome payments fail.")
    await page.locator("main").get_by_label("Your name in the log").first.fill("anna")
    await page.get_by_role("button", name="Keep and preview").click()
    await expect(page.get_by_role("status")).to_contain_text("The draft is kept. Nothing was sent.")
    await page.get_by_role("link", name="Go on: confirm before it leaves").click()
    await expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(place)
    await page.go_back()
    await page.get_by_role("button", name="Send to customers in 1 place").click()
    await expect(page.get_by_role("status")).to_contain_text("is on its way to users")
    await expect(page).to_have_url(place)


async def test_a_filter_stands_in_the_address_and_outlives_what_happens(world: World, visit: Visit) -> None:
    page = await visit(f"{world.address}/incidents/{world.open}")
    await page.get_by_label("Words to look for").fill("pool")
    await page.get_by_role("search", name="Timeline").get_by_role("button", name="Filter").click()
    await expect(page).to_have_url(f"{world.address}/incidents/{world.open}?show=&q=pool#timeline")
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)
    await incidents.note(world.context, world.open, "the cache is well", "ben")
    await incidents.note(world.context, world.open, "the pool is full", "ben")
    await expect(page.get_by_role("log")).to_contain_text("the pool is full")
    assert "the cache is well" not in await page.get_by_role("log").inner_text()
    await page.go_back()
    await expect(page.get_by_role("log")).to_contain_text("the cache is well")

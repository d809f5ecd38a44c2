"""The pages of access in a real browser: signing in, the account, people, the audit log; axe in both themes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from guarded import PASSWORD, Guarded, guarded
from hutch.commands.access import people
from hutch.model.access import AccessRole


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, "access: {required: true}\n") as found:
        yield found


async def clean(page: Page) -> None:
    found = await Axe().run(page)
    assert not found.violations_count, found.generate_report()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_from_the_first_link_to_the_audit_log(chromium: Browser, gated: Guarded, scheme: str) -> None:
    link = await people.first_link(gated.context)
    context = await chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 800})  # type: ignore[arg-type]
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    await page.goto(f"{gated.address}/first/{link}")
    await clean(page)
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await page.get_by_role("button", name="Make the admin").click()
    await page.wait_for_url("**/")
    await people.add(gated.context, "bob", AccessRole.VIEWER, PASSWORD, "ada")
    await page.goto(gated.address + "/account")
    await page.get_by_text("Make a token").click()
    await clean(page)
    await page.get_by_label("What it is for").fill("ci")
    await page.get_by_role("button", name="Make it").click()
    secret = await page.locator(".fresh pre").text_content()
    assert secret and secret.startswith("hutch_")
    await clean(page)
    await page.goto(gated.address + "/people")
    await page.locator("summary", has_text="bob").click()
    await clean(page)
    await page.locator("li", has_text="bob").get_by_label("Role").select_option("responder")
    await page.locator("li", has_text="bob").get_by_role("button", name="Give it").click()
    await page.get_by_text("bob is responder from now on").wait_for()
    await page.goto(gated.address + "/audit")
    await clean(page)
    assert secret not in await page.content()
    await page.locator("header summary", has_text="ada").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await clean(page)
    assert faults == []
    await context.close()


async def test_narrow_and_without_javascript(chromium: Browser, gated: Guarded) -> None:
    await people.add(gated.context, "ada", AccessRole.ADMIN, PASSWORD, "test")
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto(gated.address + "/runs")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/runs")
    for place in ("/account", "/people", "/audit"):
        await page.goto(gated.address + place)
        box = await page.locator("main").bounding_box()
        assert box and box["x"] + box["width"] <= 360
    await context.close()

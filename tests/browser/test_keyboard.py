"""The keyboard in a real browser: where each key leads, where none does, and that none changes what it should not."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from hutch.commands import incidents

SINGLE = ("?", "j", "k", "a", "/", "g", "i")


async def live(page: Page) -> None:
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id || document.activeElement.localName"))


async def test_help_and_going_to_pages(hutch: Any, visit: Any) -> None:
    page = await visit(f"{hutch.address}/alerts")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Acknowledge this incident")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Runbooks")
    await page.keyboard.press("j")  # keys wait while something lies over the page
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    for key, path in (("i", "/"), ("r", "/runs"), ("b", "/runbooks"), ("l", "/log")):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await page.wait_for_url(hutch.address + path)
    await page.keyboard.press("g")
    await page.keyboard.press("z")
    await expect(page.locator("#hint")).to_contain_text("No page has this letter")


async def test_every_page_of_the_head_has_a_letter_of_its_own(hutch: Any, visit: Any) -> None:
    page = await visit(f"{hutch.address}/")
    letters = await page.eval_on_selector_all(".ways a", "links => links.map((link) => link.dataset.key)")
    assert len(set(letters)) == len(letters) > 5 and all(len(letter) == 1 for letter in letters)


async def test_rows_one_by_one(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    other = await incidents.declare(
        hutch.context, title="Also", service="shop", severity=state.severity, actor="peter", respond=False
    )
    page = await visit(f"{hutch.address}/")
    await live(page)
    href = "document.activeElement.getAttribute('href')"
    seen = []
    for key in ("j", "j", "k"):
        await page.keyboard.press(key)
        seen.append(await page.evaluate(href))
    assert seen[0] == seen[2] and {*seen} == {f"/incidents/{i}" for i in (state.id, other.id)}
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{hutch.address}{seen[2]}")
    await page.goto(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await page.keyboard.press("j")
    first = await focused(page)
    await page.keyboard.press("j")
    assert first.startswith(("incident:", "run:")) and await focused(page) != first
    here = await focused(page)
    await incidents.note(hutch.context, state.id, "something new", "peter")
    await expect(page.get_by_role("log")).to_contain_text("something new")
    assert await focused(page) == here


async def test_acknowledging(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await page.keyboard.press("a")
    await expect(page.locator(".hero")).to_contain_text("has it")
    assert (await incidents.load(hutch.context, state.id)).acknowledged_by
    await expect(page.locator("#acknowledge")).to_have_count(0)
    await page.keyboard.press("a")
    await expect(page.locator("#hint")).to_have_text("There is nothing to acknowledge.")
    assert (await hutch.kinds(run)).count("approval.granted") == 0


async def test_no_key_approves(hutch: Any, visit: Any) -> None:
    """Every key there is, on the page on which a change waits for approval."""
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    before = await hutch.kinds(run)
    for number in range(33, 127):
        await page.keyboard.press("Escape")
        await page.keyboard.press(chr(number) if number != 43 else "NumpadAdd")
    await page.goto(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    assert await hutch.kinds(run) == before


async def test_nothing_fires_where_somebody_types_or_once_it_is_switched_off(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await page.locator("#note").focus()
    for key in (*SINGLE, "Control+k"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("#note")).to_have_value("?jka/gi")
    await page.locator("h1").click()
    await page.keyboard.press("?")
    await page.get_by_label("Keys without Ctrl are on").uncheck()
    await page.keyboard.press("Escape")
    await page.reload()
    await live(page)
    for key in SINGLE:
        await page.keyboard.press(key)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert not (await incidents.load(hutch.context, state.id)).acknowledged_by and state.id in page.url
    await page.keyboard.press("Control+k")
    await page.get_by_role("button", name="Keys").click()
    await page.get_by_label("Keys without Ctrl are on").check()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_the_palette_finds_what_there_is(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting("The <b>till</b> is slow")
    page = await visit(f"{hutch.address}/settings")
    await page.keyboard.press("Control+k")
    found = page.get_by_role("dialog", name="Find")
    await expect(found.get_by_role("link", name="Runbooks")).to_be_visible()
    await page.keyboard.type("till")
    await expect(found.get_by_role("link")).to_have_count(1)
    await expect(found.get_by_role("link")).to_contain_text("The <b>till</b> is slow")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("till")
    await page.keyboard.press("Enter")  # at once: it goes to what these words find, not to what stood there
    await page.wait_for_url(f"{hutch.address}/incidents/{state.id}")
    for words, path in (
        ("runbook trouble shop", "/runbooks/trouble/trouble"),
        (f"run {run}", f"/runs/{run}"),
        ("service shop", "/services/shop/signals"),
    ):
        await page.keyboard.press("Control+k")
        await page.keyboard.type(words)
        await expect(found.get_by_role("link")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_url(hutch.address + path)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("nothing of that name")
    await expect(found).to_contain_text("Nothing has these words.")
    await page.keyboard.press("Escape")
    await expect(found).to_have_count(0)


async def test_a_search_field_is_gone_to_or_else_the_palette(hutch: Any, visit: Any) -> None:
    page = await visit(f"{hutch.address}/runs")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Words to look for")).to_be_focused()
    await expect(page.get_by_label("Words to look for")).to_have_value("")
    await page.goto(f"{hutch.address}/settings")
    await page.keyboard.press("/")
    await expect(page.get_by_role("dialog", name="Find")).to_be_visible()


async def test_finding_without_javascript(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    page = await visit(f"{hutch.address}/", java_script_enabled=False)
    await page.get_by_role("link", name="Find").click()
    await page.get_by_label("Words to look for").fill(state.id)
    await page.locator("main").get_by_role("button", name="Find").click()
    await page.locator("#found").get_by_role("link").first.click()
    await expect(page.locator("h1")).to_have_text(state.title)


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 1280, marks=pytest.mark.slow), ("dark", 360)])
async def test_everybody_can_use_what_lies_over_the_page(hutch: Any, visit: Any, scheme: str, width: int) -> None:
    page = await visit(f"{hutch.address}/", color_scheme=scheme, viewport={"width": width, "height": 800})
    for key, name in (("?", "Keys"), ("Control+k", "Find")):
        await page.keyboard.press(key)
        await expect(page.get_by_role("dialog", name=name)).to_be_visible()
        if name == "Find":
            await expect(page.get_by_role("dialog").get_by_role("link", name="Runbooks")).to_be_visible()
        found = await Axe().run(page)
        assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == [], name
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        await page.keyboard.press("Escape")

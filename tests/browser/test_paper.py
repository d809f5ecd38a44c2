"""What is printed, what is published, and what asks once more before data is lost: in a real browser."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from hutch.commands import incidents, reviews, runs
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.program import Command, Item, Option, Program
from hutch.model.severity import Severity
from hutch.ports import Append

TEXT = """# Review

## Impact

Some payments **failed**; see [the graph](https://graphs.example/1) and [this](javascript:alert(1)).

| when | what |
|---|---|
| 09:10 | slow |

<script>window.hurt = 1</script><img src=x onerror="window.hurt = 1">
"""


async def live(page: Page) -> None:
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


async def published(hutch: Any) -> str:
    state = await incidents.declare(
        hutch.context, title="It was slow", service="shop", severity=Severity.SEV2, actor="olivia", respond=False
    )
    await incidents.resolve(hutch.context, state.id, "rolled back", "olivia")
    await reviews.keep(hutch.context, state.id, TEXT, "", "olivia")
    await reviews.publish(hutch.context, state.id, None, "olivia")
    return str(state.id)


async def test_a_published_review_is_read_as_it_was_meant_and_runs_nothing(hutch: Any, visit: Any) -> None:
    page = await visit(f"{hutch.address}/reviews/{await published(hutch)}")
    await live(page)
    text = page.get_by_label("The published review")
    await expect(text.get_by_role("heading", name="Impact")).to_be_visible()
    await expect(text.locator("strong")).to_have_text("failed")
    await expect(text.get_by_role("cell", name="slow")).to_be_visible()
    await expect(text.get_by_role("link", name="the graph")).to_have_attribute("href", "https://graphs.example/1")
    assert await text.locator("a[href^='javascript'], script, img").count() == 0
    assert await page.evaluate("window.hurt === undefined")
    await expect(page.locator("#text")).to_be_hidden()
    await page.get_by_text("Edit the text").click()
    await expect(page.locator("#text")).to_have_value(TEXT)
    found = await Axe().run(page)
    assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == []


async def test_on_paper_everything_is_open_and_no_button_is_left(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    for number in range(60):
        await incidents.note(hutch.context, state.id, f"look {number}", "peter")
    page = await visit(f"{hutch.address}/incidents/{state.id}", color_scheme="dark")
    await live(page)
    said = page.locator("pre.out", has_text="well")
    await expect(said).to_be_hidden()
    await page.emulate_media(media="print")
    await expect(said).to_be_visible()
    await expect(page.locator("#remedy-2")).to_contain_text("mkdir another")
    await expect(page.locator("#remedy-2 pre").first).to_be_visible()
    for gone in ("button", ".top", "#note", "#zone", ".narrow", "input", "select"):
        assert await page.locator(f"{gone}:visible").count() == 0, gone
    height = await page.get_by_role("log").evaluate("log => log.scrollHeight - log.clientHeight")
    assert height <= 1  # all lines are on the paper
    assert (
        await page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    )
    await page.emulate_media(media="screen")
    await expect(said).to_be_hidden()


async def test_what_loses_data_is_named_and_cancel_has_the_focus(hutch: Any, visit: Any) -> None:
    wipe = Command("sql", "truncate visits", "db", Effect.DESTROY)
    option = Option("o1", "Option 1: Empty the table", (Item("i1", "Empty", 1, wipe),))
    started = {"service": "shop", "title": "t", "document": "d", "hash": "", "incident": "", "mode": "act"}
    preview = {"summary": "500 rows", "hits": 500, "items": [], "undo": "", "refused": ""}
    offer = {"option": option.as_dict(), "digest": option.digest(), "target": "db", "preview": preview}
    begun = Draft("run.started", {**started, "program": Program(options=(option,)).as_dict()})
    await hutch.context.store.commit([Append("run:R-1", (begun, Draft("approval.requested", offer)))])
    page = await visit(f"{hutch.address}/runs/R-1")
    await live(page)
    button = page.get_by_role("button", name="Empty the table: 500 rows")
    await expect(button).to_be_hidden()
    asks = page.locator("summary", has_text="Empty the table: 500 rows …")
    await asks.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    await expect(page.locator(".ask")).to_contain_text("on db? This loses data. There is no way back.")
    found = await Axe().run(page)
    assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == []
    await page.keyboard.press("Enter")
    await expect(button).to_be_hidden()
    await expect(asks).to_be_focused()
    assert (await runs.load(hutch.context, "R-1")).chosen[0].approved_by == ""
    await asks.click()
    await page.get_by_label("I know that this loses data.").check()
    await page.locator(".harmful").get_by_label("Your name").fill("olivia")
    await button.click()
    await expect(page.get_by_role("status").first).to_contain_text("You approved")
    assert (await runs.load(hutch.context, "R-1")).chosen[0].approved_by == "olivia"

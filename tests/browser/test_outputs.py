"""What statements say, in a real browser: held while somebody reads, wrapped, and raw."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, expect

from hutch.model.event import Draft
from hutch.ports import Append


async def live(page: Page) -> None:
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


async def saying(hutch: Any, page: Page, run: str, *texts: str) -> None:
    """The first read runs again, and says so much."""
    item = (await page.locator(".step").first.get_attribute("id") or "").removeprefix("r-")
    for text in texts:
        await hutch.context.store.commit(
            [Append(f"run:{run}", (Draft("statement.output", {"item": item, "text": text}),))]
        )


async def running(hutch: Any, visit: Any) -> tuple[Page, str]:
    _, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/runs/{run}", viewport={"width": 700, "height": 800})
    await live(page)
    item = (await page.locator(".step").first.get_attribute("id") or "").removeprefix("r-")
    begun = Draft("statement.started", {"item": item, "title": "t", "text": "t"})
    await hutch.context.store.commit([Append(f"run:{run}", (begun,))])
    return page, run


async def test_an_output_is_held_while_somebody_reads_and_goes_on_without_loss(hutch: Any, visit: Any) -> None:
    page, run = await running(hutch, visit)
    await saying(hutch, page, run, "one\n")
    output = page.locator("pre.out")
    await expect(output).to_have_text("one\n")
    await page.get_by_role("button", name="Pause").click()
    await saying(hutch, page, run, "two\n", "three\n")
    await expect(page.get_by_role("button", name="Go on: 2 more lines")).to_be_visible()
    await expect(output).to_have_text("one\n")
    await page.get_by_role("button", name="Go on").click()
    await expect(output).to_have_text("one\ntwo\nthree\n")
    await saying(hutch, page, run, "four\n")
    await expect(output).to_have_text("one\ntwo\nthree\nfour\n")


async def test_an_output_that_is_held_is_let_go_when_its_statement_ends(hutch: Any, visit: Any) -> None:
    page, run = await running(hutch, visit)
    await saying(hutch, page, run, "one\n")
    await page.get_by_role("button", name="Pause").click()
    item = (await page.locator(".step").first.get_attribute("id") or "").removeprefix("r-")
    ended = Draft(
        "statement.finished", {"item": item, "title": "t", "status": "passed", "seconds": 1.0, "summary": "exit 0"}
    )
    await hutch.context.store.commit(
        [Append(f"run:{run}", (Draft("statement.output", {"item": item, "text": "two\n"}), ended))]
    )
    await expect(page.locator("pre.out")).to_have_text("one\ntwo\n")
    await expect(page.get_by_role("button", name="Go on")).to_have_count(0)


async def test_long_lines_are_wrapped_and_that_is_kept(hutch: Any, visit: Any) -> None:
    page, run = await running(hutch, visit)
    await saying(hutch, page, run, "x" * 400 + "\n")
    output = page.locator("pre.out")
    wide = "e => e.scrollWidth > e.clientWidth"
    await expect(output).to_be_visible()
    assert await output.evaluate(wide)
    await page.get_by_role("button", name="Wrap").click()
    await expect(page.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "true")
    assert not await output.evaluate(wide)
    await page.reload()
    await live(page)
    assert not await output.evaluate(wide)
    await expect(page.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "true")


async def test_it_can_be_had_raw(hutch: Any, visit: Any) -> None:
    _, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/runs/{run}", java_script_enabled=False)
    await page.locator(".step > details > summary").first.click()
    await expect(page.get_by_role("button", name="Wrap")).to_have_count(0)
    raw = await page.get_by_role("link", name="Raw").evaluate("link => link.href")
    assert (await (await page.context.request.get(raw)).text()).strip() == "well"

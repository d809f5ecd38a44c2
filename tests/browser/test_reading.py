"""Reading in a real browser: nothing jumps, times are in the reader's words, and every row has an address."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from playwright.async_api import Page, expect

from hutch.commands import incidents
from hutch.model.event import Draft
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.web.window import SIZE

OVERDUE = re.compile(r"overdue by 1\d min")


async def live(page: Page) -> None:
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


async def long_one(hutch: Any, notes: int = 40, **given: Any) -> str:
    """An incident whose timeline has to be scrolled."""
    state = await incidents.declare(
        hutch.context,
        title="It is slow",
        service="shop",
        severity=Severity.SEV1,
        actor="olivia",
        respond=False,
        **given,
    )
    for number in range(notes):
        await incidents.note(hutch.context, state.id, f"look {number}", "peter")
    return str(state.id)


async def test_who_reads_further_down_stays_there_and_is_told_how_much_is_new(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch)
    page = await visit(f"{hutch.address}/incidents/{name}")
    await live(page)
    await expect(page.locator("#newer")).to_be_hidden()
    log, row = page.get_by_role("log"), page.get_by_role("log").locator("li", has_text="look 20")
    await log.evaluate("log => (log.scrollTop = 400)")
    stood = await row.evaluate("row => row.getBoundingClientRect().top")
    for number in range(3):
        await incidents.note(hutch.context, name, f"fresh {number}", "peter")
    await expect(page.locator("#newer")).to_have_text("3 new")
    await expect(log).to_contain_text("fresh 2")
    assert abs(await row.evaluate("row => row.getBoundingClientRect().top") - stood) < 2
    await page.locator("#newer").click()
    await expect(page.locator("#newer")).to_be_hidden()
    assert await log.evaluate("log => log.scrollTop") == 0
    await expect(log.locator("li").first).to_contain_text("fresh 2")
    await incidents.note(hutch.context, name, "seen at once", "peter")
    await expect(log.locator("li").first).to_contain_text("seen at once")
    await expect(page.locator("#newer")).to_be_hidden()


async def test_scrolling_up_to_what_is_new_is_enough(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch)
    page = await visit(f"{hutch.address}/incidents/{name}")
    await live(page)
    await page.get_by_role("log").evaluate("log => (log.scrollTop = 400)")
    await incidents.note(hutch.context, name, "fresh", "peter")
    await expect(page.locator("#newer")).to_have_text("1 new")
    await page.get_by_role("log").evaluate("log => (log.scrollTop = 0)")
    await expect(page.locator("#newer")).to_be_hidden()


async def test_a_promise_that_is_past_says_by_how_much(hutch: Any, visit: Any) -> None:
    began = hutch.context.clock.now() - timedelta(minutes=17, seconds=30)
    name = await long_one(hutch, 1, detected_at=began)
    for page in (
        await visit(f"{hutch.address}/incidents/{name}"),
        await visit(f"{hutch.address}/incidents/{name}", java_script_enabled=False),
    ):
        await expect(page.locator(".hero .count")).to_have_text(OVERDUE)
        await expect(page.locator(".promises .overdue").first).to_contain_text(re.compile(OVERDUE.pattern + " · due "))
    listed = await visit(f"{hutch.address}/")
    await expect(listed.locator(".list .promise.overdue")).to_contain_text(OVERDUE)


async def test_a_promise_turns_amber_when_a_quarter_of_its_time_is_left(hutch: Any, visit: Any) -> None:
    now = hutch.context.clock.now()
    early = await long_one(hutch, 1, detected_at=now - timedelta(minutes=3))  # of five
    late = await long_one(hutch, 1, detected_at=now - timedelta(minutes=4))
    looks = {}
    for name in (early, late):
        page = await visit(f"{hutch.address}/incidents/{name}")
        count = page.locator(".hero .promise .count")
        await expect(count).to_have_text(re.compile(r"in \d:\d\d"))
        colour = await count.evaluate("count => getComputedStyle(count).color")
        looks[name] = (colour, "due soon" in await page.locator(".hero .promise").inner_text())
    assert (looks[early][1], looks[late][1]) == (False, True)
    assert looks[early][0] != looks[late][0]


async def test_what_matters_stands_above_the_fold(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}", viewport={"width": 1280, "height": 800})
    await live(page)
    await expect(page.locator(".hero")).to_contain_text("no commander yet")
    await incidents.assign(hutch.context, state.id, "olivia", "peter")
    await expect(page.locator(".hero")).to_contain_text("commanded by olivia")
    there = {
        "severity": page.locator(".hero .sev"),
        "state": page.locator(".hero [aria-current=step]"),
        "commander": page.get_by_text("commanded by olivia"),
        "next promise": page.locator(".hero .promise .count"),
        "next action": page.get_by_role("button", name="Approve").first,
    }
    for what, place in there.items():
        await expect(place).to_be_visible()
        box = await place.bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= 800, what


async def test_the_reader_chooses_the_zone_and_it_is_kept(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch, 1)
    url = f"{hutch.address}/incidents/{name}"
    page = await visit(url, timezone_id="Asia/Kolkata")
    await live(page)
    row = page.get_by_role("log").locator("li").first
    at = (await hutch.context.store.read(f"incident:{name}"))[-1].at
    here = (at + timedelta(hours=5, minutes=30)).strftime("%H:%M:%S")
    await expect(row.locator("time")).to_have_text(f"{at:%H:%M:%S}")
    await expect(page.locator("#timeline")).to_contain_text("UTC")
    await page.get_by_role("button", name="Show India Standard Time").click()
    await expect(row.locator("time")).to_have_text(here)
    await expect(page.locator("#timeline")).to_contain_text("India Standard Time")
    await incidents.note(hutch.context, name, "drawn anew", "peter")
    await expect(page.get_by_role("log")).to_contain_text("drawn anew")
    await expect(page.get_by_role("log").locator("li").nth(1).locator("time")).to_have_text(here)
    await page.goto(f"{hutch.address}/log")
    await expect(page.locator("h1 + p")).to_contain_text("India Standard Time")
    await live(page)
    await page.locator(".events time").first.hover()
    both = re.compile("India Standard Time.*UTC", re.DOTALL)
    await expect(page.locator(".events time").first).to_have_attribute("title", both)
    await page.get_by_role("button", name="Show UTC").click()
    await page.goto(url)
    await expect(page.get_by_role("log").locator("li").nth(1).locator("time")).to_have_text(f"{at:%H:%M:%S}")


async def test_every_row_of_the_timeline_has_an_address_that_can_be_copied(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch)
    page = await visit(f"{hutch.address}/incidents/{name}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await live(page)
    row = page.get_by_role("log").locator("li", has_text="look 7")
    await row.get_by_role("button", name="Copy the link").click()
    await expect(page.locator("#news")).to_have_text("Copied")
    copied = str(await page.evaluate("navigator.clipboard.readText()"))
    assert copied == await row.locator("a.at").evaluate("link => link.href") and copied.startswith(hutch.address)
    other = await visit(copied)
    found = other.locator("li:target")
    await expect(found).to_contain_text("look 7")
    await expect(found).to_be_in_viewport()


async def test_a_step_has_an_address_that_can_be_copied_and_opens_it(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    step = page.locator(".step").first
    await step.locator("summary").click()
    await step.get_by_role("button", name="Copy the link of this step").click()
    await expect(page.locator("#news")).to_have_text("Copied")
    copied = str(await page.evaluate("navigator.clipboard.readText()"))
    assert copied == f"{hutch.address}/runs/{run}#{await step.get_attribute('id')}"
    other = await visit(copied)
    found = other.locator(".step:target")
    await expect(found.get_by_label("Statement")).to_be_in_viewport()
    await expect(other.locator("#link-word")).to_have_text("live", timeout=20_000)
    await page.goto(f"{hutch.address}/runbooks/trouble/trouble")
    card = page.locator(".stepcard").first
    await card.get_by_role("button", name="Copy the link").click()
    await expect(page.locator("#news")).to_have_text("Copied")
    copied = str(await page.evaluate("navigator.clipboard.readText()"))
    assert copied == f"{hutch.address}/runbooks/trouble/trouble#{await card.get_attribute('id')}"


async def test_an_address_of_what_the_page_no_longer_tells_leads_to_the_page_that_does(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch, 420)
    page = await visit(f"{hutch.address}/incidents/{name}#incident:{name}%233")
    await expect(page.locator("li:target")).to_be_in_viewport()
    assert "upto=3" in page.url


async def test_an_incident_of_ten_thousand_events_is_told_a_window_at_a_time(hutch: Any, visit: Any) -> None:
    name = await long_one(hutch, 0)
    drafts = [Draft("note.added", {"text": f"look {number} at the pool"}, "peter") for number in range(10_000)]
    for start in range(0, len(drafts), 1000):
        await hutch.context.store.commit([Append(f"incident:{name}", tuple(drafts[start : start + 1000]))])
    page = await visit(f"{hutch.address}/incidents/{name}")
    rows = page.get_by_role("log").locator("li")
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)
    await expect(rows.first).to_contain_text("look 9999")
    assert await rows.count() <= SIZE
    assert await page.evaluate("document.querySelectorAll('*').length") < 20 * SIZE
    await incidents.note(hutch.context, name, "and one more", "peter")
    await expect(rows.first).to_contain_text("and one more")
    assert await rows.count() <= SIZE
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.closest('li') !== null")
    await page.get_by_role("link", name="Older events").click()
    await expect(rows.first).to_contain_text("look 98")
    assert await rows.count() <= SIZE
    await page.go_back()
    await expect(rows.first).to_contain_text("and one more")
    await page.get_by_label("Words to look for").fill("pool")
    await page.get_by_role("search", name="Timeline").get_by_role("button", name="Filter").click()
    await expect(page.locator(".narrow")).to_contain_text("the newest 400: more words narrow it further")
    await expect(rows).to_have_count(400)
    await page.get_by_label("Words to look for").fill("look 17 at")
    await page.get_by_role("search", name="Timeline").get_by_role("button", name="Filter").click()
    await expect(page.locator(".narrow")).to_contain_text(" shown")
    await page.get_by_label("Words to look for").fill("1717")
    await page.get_by_role("search", name="Timeline").get_by_role("button", name="Filter").click()
    await expect(rows).to_have_count(1)  # it is found however far back it is
    await page.goto(f"{hutch.address}/incidents/{name}#incident:{name}%2350")
    await expect(page.locator("li:target")).to_be_in_viewport()

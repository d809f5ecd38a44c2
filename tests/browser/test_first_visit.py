"""What a first visit asks for and what goes over the wire, counted before the server: with nothing kept from before."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from bench.relay import relay
from playwright.async_api import expect

from hutch.commands import incidents
from hutch.commands.freeze import freeze

REQUESTS, BYTES = 6, 60_000
QUIET = 1500
"""Milliseconds after which a page that asks again would have asked."""


async def test_an_incident_page_is_six_requests_and_sixty_kilobytes(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    for number in range(60):
        await incidents.note(hutch.context, state.id, f"look {number}: the pool of node {number} is full", "peter")
    async with relay(urlsplit(hutch.address).port) as wire:
        page = await visit(f"{wire.address}/incidents/{state.id}")
        await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)
        await page.wait_for_timeout(QUIET)
        assert len(wire.asked) <= REQUESTS, wire.asked
        assert wire.back <= BYTES, (wire.back, wire.asked)
        wire.clear()
        await page.goto(f"{wire.address}/incidents/{state.id}")
        await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)
        await page.wait_for_timeout(QUIET)
        assert [urlsplit(path).path for path in wire.asked] == [f"/incidents/{state.id}", "/events"]  # the rest is kept


async def test_what_happened_before_the_page_listens_is_still_drawn(hutch: Any, visit: Any, visits: Any) -> None:
    """Between drawing and listening something happens, or changes are stopped: the greeting says that it is another."""
    state, _ = await hutch.waiting()
    page = await visit("about:blank")

    async def meanwhile(route: Any) -> None:
        answer = await route.fetch()
        await incidents.note(hutch.context, state.id, "just now", "peter")
        await freeze(hutch.context, "a look", "peter")
        await route.fulfill(response=answer)

    await page.route(f"**/incidents/{state.id}", meanwhile)
    await page.goto(f"{hutch.address}/incidents/{state.id}")
    await expect(page.get_by_role("log")).to_contain_text("just now")
    await expect(page.locator(".banner.warn")).to_contain_text("a look")


async def test_a_second_page_of_the_same_browser_is_kept_up_too(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    first = await visit(f"{hutch.address}/incidents/{state.id}")
    await expect(first.locator("#link-word")).to_have_text("live", timeout=20_000)
    await incidents.note(hutch.context, state.id, "one", "peter")
    await expect(first.get_by_role("log")).to_contain_text("one")
    second = await visit(f"{hutch.address}/incidents/{state.id}", beside=first)
    await expect(second.locator("#link-word")).to_have_text("live", timeout=20_000)
    await incidents.note(hutch.context, state.id, "two", "peter")
    for page in (first, second):
        await expect(page.get_by_role("log")).to_contain_text("two")

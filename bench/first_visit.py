"""A first visit to an incident's page in Chromium: what it asks for, when it is seen, how soon it shows what comes."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from playwright.async_api import Browser, Page, async_playwright, expect

from bench.measure import Goal, Ratio, percentile, spread
from bench.relay import Wire, relay

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUESTS, KILOBYTES = 6, 60
STILL = 1.0
"""Seconds after which a page that asks again would have asked."""

APART = 0.2
"""Seconds between two notes."""

WATCH = """
window.rows = {};
new MutationObserver(() => {
  const row = document.querySelector("main [role=log] li");
  if (row) window.firstRow ??= performance.now();
  for (const one of document.querySelectorAll("main [role=log] li")) {
    const found = /note number (\\d+)\\./.exec(one.textContent);
    if (found && !(found[1] in window.rows)) {
      window.rows[found[1]] = null;
      requestAnimationFrame(() => requestAnimationFrame(() => (window.rows[found[1]] = Date.now())));
    }
  }
}).observe(document, { childList: true, subtree: true });
"""
"""Notes when the first row is there, and when each note was painted: two frames after it stands in the page."""

PAINT = (
    """() => [performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null, window.firstRow ?? null]"""
)


@dataclass
class Visit:
    """What one first visit came to; times in ms from the navigation."""

    requests: int
    kilobytes: float
    paint: float
    row: float


Found = tuple[tuple[Ratio, ...], Mapping[str, str | float]]


async def measured(port: int, place: str, rounds: int, notes: int) -> Found:
    """Ratios to what a page may take, and times. Without a browser on the machine only that is said."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        return (), {"first visit": "not measured: no Chromium on this machine"}
    async with relay(port) as wire, async_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=found, args=options)
        visits = [await _visited(browser, wire, place) for _ in range(rounds)]
        late = await _late(browser, wire, place, notes)
        await browser.close()
    asked, sent = [v.requests for v in visits], [v.kilobytes for v in visits]
    ratios = (
        _bounded("requests of a first visit", asked, REQUESTS, "requests"),
        _bounded("kB of a first visit", sent, KILOBYTES, "on the wire (kB)"),
    )
    return ratios, {
        "first paint, median (ms)": round(percentile([v.paint for v in visits], 50)),
        "first paint, p95 (ms)": round(percentile([v.paint for v in visits], 95)),
        "first row, median (ms)": round(percentile([v.row for v in visits], 50)),
        "first row, p95 (ms)": round(percentile([v.row for v in visits], 95)),
        "durable to screen, median (ms)": round(percentile(late, 50)),
        "durable to screen, p95 (ms)": round(percentile(late, 95)),
    }


def _bounded(name: str, found: Sequence[float], most: float, part: str) -> Ratio:
    return Ratio(name, f"the {most} it may take", spread([n / most for n in found]), Goal(1), {part: spread(found)})


async def _opened(browser: Browser, address: str) -> Page:
    """In a browser that keeps nothing from before, and live."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(address)
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)
    return page


async def _visited(browser: Browser, wire: Wire, place: str) -> Visit:
    wire.clear()
    page = await _opened(browser, wire.address + place)
    await asyncio.sleep(STILL)
    paint, row = await page.evaluate(PAINT)
    if paint is None or row is None:
        raise RuntimeError(f"{place} painted nothing, or has no row")
    seen = Visit(len(wire.asked), wire.back / 1000, paint, row)
    await page.context.close()
    return seen


async def _late(browser: Browser, wire: Wire, place: str, notes: int) -> list[float]:
    """ms from the answer that a note is durable to the frame in which it is painted."""
    page, found = await _opened(browser, wire.address + place), []
    async with aiohttp.ClientSession(wire.address) as client:
        for number in range(notes):
            body = {"text": f"note number {number}.", "actor": "bench"}
            async with client.post(f"/api/v1{place}/notes", json=body) as answer:
                answer.raise_for_status()
            durable = time.time() * 1000
            found.append(max(0.0, await _painted(page, number) - durable))
            await asyncio.sleep(APART)
    await page.context.close()
    return found


async def _painted(page: Page, number: int) -> float:
    """When the note was painted, by the clock of this machine, in ms."""
    for _ in range(1000):
        at = await page.evaluate("(number) => window.rows[number] ?? null", number)
        if at is not None:
            return float(at)
        await asyncio.sleep(0.02)
    raise RuntimeError(f"note {number} did not come to the screen")

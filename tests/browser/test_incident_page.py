"""The incident page in a real browser."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from hutch.commands import incidents
from hutch.commands.freeze import freeze
from hutch.model.event import Draft
from hutch.ports import Append
from hutch.web import live as feed

BIN = Path(sys.executable).parent
DONE = re.compile("applied|worked|decision|failed|unknown")


async def live(page: Page) -> None:
    """Wait until the page follows what happens."""
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


async def stamped(page: Page) -> Page:
    """Marked, so that a reload would be seen."""
    await page.evaluate("window.sameAsBefore = true")
    return page


async def test_what_happens_appears_without_a_reload(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await stamped(await visit(f"{hutch.address}/incidents/{state.id}"))
    await live(page)
    await incidents.note(hutch.context, state.id, "the cache looks well", "peter")
    await expect(page.get_by_role("log")).to_contain_text("peter noted: the cache looks well")
    read = (await page.locator(".step").first.get_attribute("id") or "").removeprefix("r-")
    stream = f"run:{run}"
    begun = Draft("statement.started", {"item": read, "title": "t", "text": "t"})
    await hutch.context.store.commit([Append(stream, (begun,))])
    for text in ("first line\n", "second line\n"):
        piece = Draft("statement.output", {"item": read, "text": text})
        await hutch.context.store.commit([Append(stream, (piece,))])
        await expect(page.locator("pre.out")).to_contain_text(text.strip())
    await expect(page.locator("pre.out")).to_have_text("first line\nsecond line\n")
    await expect(page.locator(".step.running")).to_have_count(1)
    assert await page.evaluate("window.sameAsBefore")


async def test_a_drawing_that_could_not_be_had_is_asked_for_again(hutch: Any, visit: Any, visits: Any) -> None:
    state, _ = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    answers = iter(("cut", "busy"))

    async def once(route: Any) -> None:
        match next(answers, ""):
            case "cut":
                await route.abort()
            case "busy":
                await route.fulfill(status=503, body="busy")
            case _:
                await route.fallback()

    await page.route("**/*fragment=1*", once)
    await incidents.note(hutch.context, state.id, "the pool is full", "peter")
    await expect(page.get_by_role("log")).to_contain_text("the pool is full", timeout=20_000)
    await expect(page.locator("#offline")).to_be_hidden()
    assert not next(answers, "")
    visits.faults.clear()  # the browser's own word for each


async def test_what_a_person_does_in_the_page_survives_its_refresh(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await page.locator("#note").fill("half a thou")
    await page.locator("#remedy-2 > details > summary").click()
    await page.locator("#note").focus()
    await incidents.note(hutch.context, state.id, "something new", "peter")
    await expect(page.get_by_role("log")).to_contain_text("something new")
    await expect(page.locator("#note")).to_be_focused()
    await expect(page.locator("#note")).to_have_value("half a thou")
    await expect(page.locator("#remedy-2 > details")).to_have_attribute("open", "")


async def test_approving_by_a_click(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await stamped(await visit(f"{hutch.address}/incidents/{state.id}"))
    await live(page)
    await page.locator("#remedy-1").get_by_label("Your name").first.fill("olivia")
    await page.locator("#remedy-1").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_have_text("You approved “Option 1: Make a note” as olivia.")
    await expect(page.locator("#remedy-1 .chip").first).to_have_text(DONE, timeout=20_000)
    await expect(page.locator("#remedy-1")).to_contain_text("by olivia")
    assert await page.evaluate("window.sameAsBefore")
    assert (await hutch.kinds(run)).count("change.intended") == 1
    await expect(page.locator(".me > summary")).to_have_text("olivia")


async def test_approving_without_javascript(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/incidents/{state.id}", java_script_enabled=False)
    await expect(page.locator("noscript")).to_be_visible()
    await expect(page.locator(".count")).to_contain_text("in ")
    await page.locator("#remedy-1").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_contain_text("You approved “Option 1: Make a note”")
    for _ in range(200):
        if "change.done" in await hutch.kinds(run):
            break
        await asyncio.sleep(0.05)
    await page.reload()
    await expect(page.locator("#remedy-1 .chip").first).to_have_text(DONE)
    assert (await hutch.kinds(run)).count("change.intended") == 1


async def test_two_people_at_once_are_one_execution(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    pages = [await visit(f"{hutch.address}/incidents/{state.id}", java_script_enabled=False) for _ in range(2)]
    for page, name in zip(pages, ("olivia", "peter"), strict=True):
        await page.locator("#remedy-1").get_by_label("Your name").first.fill(name)
    await asyncio.gather(*(p.locator("#remedy-1").get_by_role("button", name="Approve").click() for p in pages))
    said = [await page.locator("#notice").inner_text() for page in pages]
    good = [s for s in said if s.startswith("You approved")]
    told = [s for s in said if "was already approved by" in s]
    assert (len(good), len(told)) == (1, 1), said
    winner = re.search(r"as (\w+)\.", good[0])
    assert winner and f"approved by {winner[1]}" in told[0]
    for _ in range(200):
        if "change.done" in await hutch.kinds(run):
            break
        await asyncio.sleep(0.05)
    kinds = await hutch.kinds(run)
    assert (kinds.count("approval.granted"), kinds.count("change.intended")) == (1, 1)


async def test_twelve_tabs_are_all_live_over_one_connection(hutch: Any, visit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(feed, "MOST_CLIENTS", 1)
    state, _ = await hutch.waiting()
    first = await visit(f"{hutch.address}/incidents/{state.id}")
    pages = [first, *[await visit(f"{hutch.address}/incidents/{state.id}", beside=first) for _ in range(11)]]
    for page in pages:
        await live(page)
    await incidents.note(hutch.context, state.id, "for all of you", "peter")
    for page in pages:
        await expect(page.get_by_role("log")).to_contain_text("for all of you")


async def test_going_from_page_to_page_stays_live(hutch: Any, visit: Any) -> None:
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/")
    await live(page)
    await page.locator(".list").get_by_role("link", name="It is slow").click()
    await live(page)
    await page.get_by_role("link", name=run).click()
    await live(page)
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("It is slow")
    await live(page)
    await incidents.note(hutch.context, state.id, "after going back", "peter")
    await expect(page.get_by_role("log")).to_contain_text("after going back")


CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.localName === "option") continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.localName}.${e.className}: ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_can_be_read(hutch: Any, visit: Any, scheme: str) -> None:
    """At least 4.5:1, which is level AA, on every text of the page."""
    state, _ = await hutch.waiting()
    await freeze(hutch.context, "a look", "peter")
    page = await visit(f"{hutch.address}/incidents/{state.id}", color_scheme=scheme)
    await live(page)
    await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert await page.evaluate(CONTRAST) == []
    hide = "document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor"
    found = await page.evaluate(f"() => {{ {hide}; return ({CONTRAST})(); }}")  # in one go: the page redraws itself
    assert "h1" in " ".join(found)  # it can tell
    listed = await visit(f"{hutch.address}/", beside=page)
    assert await listed.evaluate(CONTRAST) == []


async def test_without_a_shared_worker_it_is_live_too(hutch: Any, visit: Any, chromium: Any, visits: Any) -> None:
    state, _ = await hutch.waiting()
    context = await chromium.new_context()
    visits.contexts.append(context)
    await context.add_init_script("delete window.SharedWorker")
    page = await context.new_page()
    visits.watch(page)
    await page.goto(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await incidents.note(hutch.context, state.id, "heard directly", "peter")
    await expect(page.get_by_role("log")).to_contain_text("heard directly")


async def test_hostile_text_runs_nowhere(hutch: Any, visit: Any) -> None:
    bad = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>"
    state, _ = await hutch.waiting(bad)
    page = await visit(f"{hutch.address}/incidents/{state.id}")
    await live(page)
    await incidents.note(hutch.context, state.id, bad, bad)
    await expect(page.get_by_role("log")).to_contain_text("window.hurt")
    assert await page.evaluate("window.hurt === undefined")
    await expect(page.locator("h1")).to_have_text(bad)


async def test_light_and_dark_differ_and_narrow_does_not_scroll_sideways(hutch: Any, visit: Any) -> None:
    state, _ = await hutch.waiting()
    url = f"{hutch.address}/incidents/{state.id}"
    shots = []
    for scheme in ("light", "dark"):
        page = await visit(url, color_scheme=scheme, viewport={"width": 375, "height": 800})
        await live(page)
        shots.append(await page.screenshot())
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(x) for x in re.findall(r"\d+", ground)[:3]) > 3 * 128
        assert light is (scheme == "light")
    assert shots[0] != shots[1]


@pytest.mark.parametrize(
    "end", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL], ids=["stopped", "killed"]
)
async def test_it_says_when_it_is_cut_off_and_catches_up(tmp_path: Path, visit: Any, visits: Any, end: int) -> None:
    """Over `hutch serve` as people start it: it is ended, and started again at the same port."""
    (tmp_path / "hutch.yaml").write_text("mode: observe\nservices:\n  shop: {}\n")
    words = [str(BIN / "hutch"), "--config", str(tmp_path / "hutch.yaml")]

    def serve(port: int) -> tuple[subprocess.Popen[str], str]:
        command = [*words, "serve", "--port", str(port)]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert server.stderr
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", server.stderr.readline())
        assert found
        return server, found[0].rstrip("/")

    def stop(server: subprocess.Popen[str]) -> None:
        server.send_signal(end)
        server.wait(20)
        assert server.stderr
        server.stderr.close()

    def declare(title: str) -> None:
        done = [*words, "incident", "declare", title, "--severity", "SEV-1"]
        subprocess.run(done, check=True, capture_output=True, timeout=30)

    server, address = serve(0)
    try:
        page = await visit(f"{address}/")
        await live(page)
        await asyncio.to_thread(declare, "By another process")
        await expect(page.locator(".list")).to_contain_text("By another process")
        stop(server)
        await expect(page.locator("#offline")).to_contain_text("Reconnecting: what you see is of ", timeout=20_000)
        await expect(page.locator("#link-word")).to_have_text("reconnecting")
        await asyncio.to_thread(declare, "While it was away")
        server, _ = serve(int(address.rpartition(":")[2]))
        await expect(page.locator(".list")).to_contain_text("While it was away", timeout=20_000)
        await expect(page.locator("#offline")).to_be_hidden()
        await live(page)
        await asyncio.to_thread(declare, "After it came back")
        await expect(page.locator(".list")).to_contain_text("After it came back", timeout=20_000)
        titles = await page.locator(".list strong").all_inner_texts()
        assert sorted(titles) == ["After it came back", "By another process", "While it was away"]  # each of them once
    finally:
        stop(server)
    visits.faults[:] = [f for f in visits.faults if "ERR_CONNECTION_REFUSED" not in f]

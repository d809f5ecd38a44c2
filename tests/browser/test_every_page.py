"""Every page of the table of doors in Chromium, over a store full of hostile words: nothing runs, and all of it can be
used, in both schemes and on a telephone. A page that is new in the table is visited by itself, or asked for here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from hostile_world import evil, filled, opened
from hutch.commands import links
from hutch.commands.access import people, signin
from hutch.commands.breach import course
from hutch.commands.context import Context
from hutch.model.access import AccessRole
from hutch.model.message import Audience
from hutch.web.doors import DOORS
from hutch.web.server import listen, serving
from page_looks import SMALL, WIDE

NO_PAGE = re.compile(
    r"/(api|static|healthz|events|metrics|openid|first)\b.*|.*\.(txt|json|csv|md)|.*/(output|evidence/.*)"
)
"""Files, the feed, what programs ask; /first is looked at where the first admin is made (test_access_pages.py)."""

TRAP = """
window.ran = [];
for (const name of ["alert", "confirm", "prompt", "print", "open", "probe"]) window[name] = () => window.ran.push(name);
addEventListener("securitypolicyviolation", (e) => window.ran.push(`${e.violatedDirective} ${e.blockedURI}`));
"""

LEFT = re.compile(r"(?!http://127\.0\.0\.1:|data:image/svg)")
"""Addresses beyond the server; Chromium draws the button of a date field from one of its own."""

MADE = """() => [...document.querySelectorAll(
  'main script, iframe, object, embed, base, main img, main style, [style], [href^="javascript:" i]')]
  .concat([...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on|probe/.test(a.name))))
  .map((e) => e.outerHTML.slice(0, 120))"""
"""Elements and attributes that only what somebody wrote could have made."""


@dataclass
class World:
    """The server, with a session of an admin."""

    address: str
    context: Context
    secret: str
    pages: dict[str, list[str]]

    async def browser(self, chromium: Browser, scheme: str, width: int) -> Page:
        context: BrowserContext = await chromium.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 800},
        )
        await context.add_cookies([{"name": "hutch-session", "value": self.secret, "url": self.address}])
        await context.add_init_script(TRAP)
        return await context.new_page()


async def addresses(context: Context) -> dict[str, list[str]]:
    """Where the pages are whose addresses name something."""
    names = [s.removeprefix("incident:") for s in await context.store.streams("incident:")]
    runs = [s.removeprefix("run:") for s in await context.store.streams("run:")]
    link = links.make(context, names[0], "page-1", "anna")
    services = [f"/services/{quote(name, safe='')}/signals" for name in context.services if "/" not in name]
    return {
        "/": ["/", "/?said=x"],
        "/find": ["/find", "/find?q=probe"],
        "/reports": ["/reports?exercises=yes"],
        "/todo": ["/todo?all=yes"],
        "/incidents/{incident_id}": [f"/incidents/{name}" for name in names],
        "/incidents/{incident_id}/erasure": [f"/incidents/{name}/erasure" for name in names],
        "/incidents/{incident_id}/updates/{audience}": [f"/incidents/{names[0]}/updates/{a.value}" for a in Audience],
        "/incidents/{incident_id}/updates/{audience}/sending": [f"/incidents/{names[0]}/updates/customers/sending"],
        "/reviews/{incident_id}": [f"/reviews/{name}" for name in names],
        "/breach/{incident_id}": [f"/breach/{state.id}" for state, _ in await course.listing(context)],
        "/runs/{run_id}": [f"/runs/{run}" for run in runs],
        "/runbooks/{place:path}": ["/runbooks/trouble", "/runbooks/trouble/trouble", "/runbooks/postgres-connections"],
        "/services/{name}/signals": services,
        "/status/{path:path}": ["/status/index.html", "/status/history.html"],
        "/a/{token}": [link[link.index("/a/") :]],
        "/log": ["/log", "/log?q=probe"],
    }


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    context = opened(tmp_path, "access: {required: true}\n")
    await filled(context)
    await people.add(context, "ada", AccessRole.ADMIN, "correct horse battery staple", "test")
    secret = await signin.begin(
        context, await people.load(context, "ada"), evil("label"), address="::1", label=evil("label")
    )
    listener = listen(0)
    async with serving(context, listener):
        async with asyncio.timeout(60):
            while not await context.store.streams("run:"):
                await asyncio.sleep(0.05)
        yield World(f"http://127.0.0.1:{listener.getsockname()[1]}", context, secret, await addresses(context))
    await context.close()


def paths(world: World) -> list[str]:
    """At least one address of every page that there is."""
    routes = [route.removeprefix("GET ") for route in DOORS if route.startswith("GET ")]
    pages = [route for route in routes if not NO_PAGE.fullmatch(route)]
    unnamed = [route for route in pages if "{" in route and not world.pages.get(route)]
    assert not unnamed, f"say in addresses() where these pages are: {unnamed}"
    assert set(world.pages) <= set(pages)
    return [path for route in pages for path in world.pages.get(route, [route])]


def overheard(page: Page, path: list[str]) -> list[tuple[str, str, str]]:
    """What the page does that it must not, beside the address at which it was."""
    found: list[tuple[str, str, str]] = []
    page.on("dialog", lambda dialog: asyncio.ensure_future(_refused(dialog, found, path)))
    page.on("pageerror", lambda error: found.append((path[0], "error", str(error))))
    page.on("console", lambda m: found.append((path[0], m.type, m.text)) if m.type in ("error", "warning") else None)
    page.on(
        "request", lambda r: None if r.url.startswith("http://127.0.0.1:") else found.append((path[0], "left", r.url))
    )
    return found


async def _refused(dialog: object, found: list[tuple[str, str, str]], path: list[str]) -> None:
    found.append((path[0], "dialog", str(getattr(dialog, "message", ""))))
    await dialog.dismiss()  # type: ignore[attr-defined]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turns", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["by turns", "all"])
async def test_no_page_runs_what_others_wrote_and_everybody_can_use_each(
    world: World, chromium: Browser, turns: bool
) -> None:
    """By turns, each page is looked at by axe in the dark, or by axe in the light and on a telephone."""
    light = await world.browser(chromium, "light", 1280)
    dark, narrow = await world.browser(chromium, "dark", 1280), await world.browser(chromium, "light", 360)
    at = [""]
    faults = overheard(light, at)
    shown = ""
    for turn, path in enumerate(paths(world)):
        at[0] = path
        seen = (light, (dark, narrow)[turn % 2]) if turns else (light, dark, narrow)
        answers = await asyncio.gather(*(page.goto(world.address + at[0]) for page in seen))
        faults += [(at[0], "answer", str(a and a.status)) for a in answers if not a or a.status != 200]
        for page in seen:
            await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        looked = ((dark, light)[turn % 2],) if turns else (light, dark)
        for look in await asyncio.gather(*(Axe().run(page) for page in looked)):
            faults += [(at[0], v["id"], v["nodes"][0]["html"][:160]) for v in look.response["violations"]]
        if narrow in seen:
            faults += [(at[0], "wide", e) for e in await narrow.evaluate(WIDE)]
            faults += [(at[0], "small", e) for e in await narrow.evaluate(SMALL)]
        faults += [(at[0], "made", e) for e in await light.evaluate(MADE)]
        faults += [(at[0], "ran", e) for e in await light.evaluate("window.ran")]
        shown += await light.inner_text("body")
    assert faults == [], "\n".join(map(str, faults[:40]))
    wanted = ("title", "note", "rule", "label", "heading", "review", "update", "draft", "silence", "window", "item",
              "breach", "proof", "account", "event", "notice")  # fmt: skip
    assert [field for field in wanted if f"F-{field}-F" not in shown] == []
    for page in (light, dark, narrow):
        await page.context.close()


async def test_the_trap_catches_what_would_run(world: World, chromium: Browser) -> None:
    page = await world.browser(chromium, "light", 1280)
    at = ["/runs"]
    faults = overheard(page, at)
    await page.goto(world.address + at[0])
    assert await page.evaluate("window.ran") == [] and await page.evaluate(MADE) == []
    await page.evaluate("(words) => { document.querySelector('main').innerHTML += words; }", evil("x"))
    await page.wait_for_timeout(300)
    assert any("script-src" in one for one in await page.evaluate("window.ran"))
    assert any("onerror" in one for one in await page.evaluate(MADE))
    assert faults
    await page.evaluate("probe()")
    assert "probe" in await page.evaluate("window.ran")
    await page.context.close()


async def test_a_page_that_is_new_in_the_table_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = next(iter(DOORS.values()))
    monkeypatch.setitem(DOORS, "GET /plain", first)  # type: ignore[index]
    assert "/plain" in paths(world)
    monkeypatch.setitem(DOORS, "GET /things/{thing}", first)  # type: ignore[index]
    with pytest.raises(AssertionError, match="things"):
        paths(world)

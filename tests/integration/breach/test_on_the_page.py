"""Containing a breach on its page, without JavaScript, against the real RoleRabbit: offered, approved, proved."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.web.server import listen, serving

SAME = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


class Browser:
    """Sends the forms of a page as they stand there."""

    def __init__(self, address: str, http: aiohttp.ClientSession) -> None:
        self.address, self.http = address, http

    async def page(self, path: str) -> str:
        async with self.http.get(self.address + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def send(self, page: str, action: str, **typed: str) -> str:
        found = re.search(rf'<form[^>]* action="{re.escape(action)}[^"]*".*?</form>', await self.page(page), re.DOTALL)
        assert found, action
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
        target = re.search(r'action="([^"]+)"', found[0])
        assert target
        fields = {name: html.unescape(value) for name, value in hidden} | typed
        return await self.post(html.unescape(target[1]), **fields)

    async def post(self, path: str, **fields: str) -> str:
        async with self.http.post(self.address + path, data=fields, headers=SAME) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()


async def until(browser: Browser, place: str, what: str) -> re.Match[str]:
    """What the page says once it does."""
    for _ in range(600):
        page = await browser.page(place)
        if found := re.search(what, page, re.DOTALL):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(page)


async def contained(browser: Browser, place: str) -> str:
    """Go on, and approve what is offered, until all of containment was passed."""
    approved = []
    for _ in range(120):
        page = await browser.send(place, f"{place}/containment", how="rolled back release 43")
        said = page.partition('id="notice"')[2][:400]
        if "Contained" in said:
            assert len(approved) == 5
            return page
        if "waits for approval" in said:
            run = (await until(browser, place, r"/runs/(R-[\w-]+)/approval"))[1]
            assert "You approved" in await browser.send(place, f"/runs/{run}/approval")
            await until(browser, place, f">{run}</a> is over: done")
            approved.append(run)
        else:  # not everything is sealed anew yet
            await asyncio.sleep(1)
    raise AssertionError(page)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_from_opening_to_the_proof_and_the_assessment(world: Any, configure: Any) -> None:
    folder = configure()
    stolen = world.log_in("ann@example.com")
    assert world.ask("GET", "/api/account/export", token=stolen)[0] == 200
    [(ann,)] = world.rows("SELECT id::text FROM users WHERE email = 'ann@example.com'")
    context = open_context(folder / "hutch.yaml")
    listener = listen(0)
    async with serving(context, listener), aiohttp.ClientSession() as http:
        browser = Browser(f"http://127.0.0.1:{listener.getsockname()[1]}", http)
        opened = await browser.send("/breach", "/breach", service="rolerabbit", name="amber kestrel", aware="20m")
        place = re.findall(r"/breach/INC-\d{4}-\d{3}", opened)[0]
        first = await browser.send(place, f"{place}/containment", days="2")
        assert "Close the hole, then say how" in first and "old token: 200, old session: 200" in first
        page = await contained(browser, place)
        assert "old token: 401, old session: 401, new log-in: 200, new session: 200" in page
        assert world.status(stolen) == 401
        looked = await browser.send(place, f"{place}/assessment/preview", **{"from": "1h", "accounts": ann})
        assert ann in looked and "<strong>1</strong> people" in looked and "127.0.0.1" in looked
        hidden = looked.partition("Keep it: this is whom")[0].rpartition("<form")[2]
        fields = {n: html.unescape(v) for n, v in re.findall(r'name="(\w+)" value="([^"]*)"', hidden)}
        kept = await browser.post(f"{place}/assessment", **{**fields, "accounts": "", "addresses": ""})
        assert "not what you looked at any more" in kept
        kept = await browser.post(f"{place}/assessment", **fields)
        assert "Kept: 1 people" in kept and "Addresses on the time line" in kept
    await context.close()

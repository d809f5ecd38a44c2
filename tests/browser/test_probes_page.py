"""The probes of a service, and what holds alerts back, on real pages: in both schemes, on a telephone, by axe."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from hutch.bootstrap.wire import open_context
from hutch.commands import maintenance, silences
from hutch.model.finding import Object
from hutch.model.probe import Probed, Sighting
from hutch.web.server import listen, serving

CONFIG = """
diagnose_every: 0s
services: {shop: {http: {url: "http://127.0.0.1:9", health: ""}}}
probes:
  - {name: front page, kind: http, locations: [frankfurt, oregon]}
  - {name: checkout, kind: http, target: /checkout, locations: [frankfurt]}
  - {name: orders, kind: tcp, target: "127.0.0.1:9", locations: [frankfurt]}
alerts:
  - {name: Service Down, condition: uptime < 100%, duration: 1m, severity: SEV-1}
"""


def seen(ok: bool, detail: str, cause: str = "", seconds: float = 0.08) -> Probed:
    thing = Object("host", "shop.example") if cause else None
    return Probed(ok, detail, {"total": seconds}, True, cause, thing)


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context = open_context(tmp_path / "hutch.yaml")
    now = context.clock.now()
    assert context.sightings
    ending = seen(True, "200 OK; the certificate of shop.example ends in 5 days", "http.tls_expiring", 0.21)
    refused = seen(False, "no connection: " + "a long answer of an unfriendly server " * 5, "http.unreachable", 10.0)
    told = [("front page", seen(True, "200 OK")), ("checkout", ending), ("orders", refused)]
    await context.sightings.keep([Sighting(name, "shop", "frankfurt", now, what) for name, what in told])
    await silences.begin(context, ["rule=Disk*"], timedelta(hours=2), "the disk is being replaced", "olivia")
    await maintenance.add(context, "Database move", "shop", now, now + timedelta(hours=2), "olivia")
    listener = listen(0)
    async with serving(context, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    await context.close()


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
async def test_probes_and_what_is_held_back_can_be_read(
    address: str, visit: Callable[..., Awaitable[Page]], scheme: str
) -> None:
    for width in (1200, 390):
        for path in ("/services/shop/signals", "/"):
            page = await visit(f"{address}{path}", color_scheme=scheme, viewport={"width": width, "height": 900})
            found = await Axe().run(page)
            assert [v["id"] for v in found.response["violations"]] == [], (path, width)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            if path == "/":
                held = await page.locator(".held strong").all_inner_texts()
                assert held == ["Silence: rule=Disk*", "Maintenance: Database move"]
            else:
                states = await page.locator(".probes .chip").all_inner_texts()
                assert states == ["failing", "warning", "no data", "ok"]

"""The public page in a browser: in both schemes, on a telephone, by axe, and kept true while it is open."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, maintenance, updates
from hutch.commands.context import Context
from hutch.model.message import Audience
from hutch.model.severity import Severity
from hutch.web.server import listen, serving

CONFIG = """
diagnose_every: 0s
services: {shop: {}, api: {}}
notify:
  channels:
    news: {kind: mail, audience: customers, server: "127.0.0.1:9", security: none, sender: n@acme.example, to: [a@b.example]}
status_page:
  title: Acme
  about: Portfolio hosting for everybody.
  address: https://status.acme.example
  mail: news
  reports: true
  components:
    - {name: Website, service: shop, about: The pages of our customers}
    - {name: API, service: api, group: Developers}
    - {name: Webhooks, group: Developers}
"""  # noqa: E501


@dataclass(frozen=True)
class Public:
    """Where the page is, and what it is drawn from."""

    address: str
    context: Context


async def tell(context: Context, service: str, severity: Severity, *texts: str) -> None:
    name = (await incidents.declare(context, title="t", service=service, severity=severity)).id
    for text in texts:
        seen = await updates.preview(context, name, Audience.CUSTOMERS, text=text)
        await updates.send(context, seen, "ann")


@pytest.fixture
async def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Public]:
    monkeypatch.setattr("hutch.web.status.FRESH", 0.0)
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context, near, far = open_context(tmp_path / "hutch.yaml"), listen(0), listen(0)
    now = context.clock.now()
    await maintenance.add(context, "New disks", "api", now, now + timedelta(hours=2), "ann", public=True)
    await tell(
        context, "shop", Severity.SEV1, "[IDENTIFIED] Pages are down\n\nWe go back.", "[RESOLVED] Pages\n\nOver."
    )
    await tell(context, "shop", Severity.SEV3, "[INVESTIGATING] Pages are slow\n\nWe look into it.")
    async with serving(context, near, public=far):
        yield Public(f"http://127.0.0.1:{far.getsockname()[1]}", context)
    await context.close()


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
async def test_it_can_be_read(public: Public, visit: Callable[..., Awaitable[Page]], scheme: str) -> None:
    for width in (1200, 360):
        for path in ("/", "/history.html", "/subscribe", "/report"):
            page = await visit(public.address + path, color_scheme=scheme, viewport={"width": width, "height": 900})
            found = await Axe().run(page)
            assert found.violations_count == 0, (path, found.generate_report())
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


async def test_it_stays_true_while_it_is_open(public: Public, visit: Callable[..., Awaitable[Page]]) -> None:
    page = await visit(public.address + "/")
    await expect(page.locator("h1")).to_have_text("Partially degraded service")
    await tell(public.context, "api", Severity.SEV1, "[INVESTIGATING] API is down\n\nWe look into it.")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.get_by_role("heading", name="API is down").wait_for()
    await expect(page.locator("h1")).to_have_text("Major system outage")
    await expect(page).to_have_title(re.compile("Major system outage$"))

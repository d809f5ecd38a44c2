"""A real Chromium on a real server. Every page is watched: no console error, no policy violation, no foreign host."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, runs
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.model.severity import Severity
from hutch.web.server import listen, serving

expect.set_options(timeout=15_000)  # ms; a busy machine draws a page in its own time

NAMES = ("chromium", "chromium-browser", "google-chrome")

RUNBOOK = """# Shop

## Trouble

### Detection

```bash
echo well
# Should return well
```

### Resolution

**Option 1: Make a note**

```bash
mkdir noted
```

**Option 2: Make another**

```bash
mkdir another
```
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """The machine's own browser."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser on this machine ({', '.join(NAMES)}): apt-get install chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        await browser.close()


@dataclass
class Hutch:
    """The server's address and its context."""

    address: str
    context: Context

    async def waiting(self, title: str = "It is slow") -> tuple[Incident, str]:
        """An incident whose run waits for approval, with the run's id."""
        state = await incidents.declare(
            self.context, title=title, service="shop", severity=Severity.SEV2, runbook="trouble", actor="olivia"
        )
        for _ in range(400):
            state = await incidents.load(self.context, state.id)
            if state.runs and (await runs.load(self.context, state.runs[0])).waiting == "approval":
                return state, state.runs[0]
            await asyncio.sleep(0.05)
        raise AssertionError(state)

    async def kinds(self, run_id: str) -> list[str]:
        return [e.kind for e in await self.context.store.read(f"run:{run_id}")]


@pytest.fixture
async def hutch(tmp_path: Path) -> AsyncIterator[Hutch]:
    """A server that acts, with one service."""
    (tmp_path / "trouble.md").write_text(RUNBOOK)
    (tmp_path / "hutch.yaml").write_text(
        "mode: act\nrunbooks: [trouble.md, books]\n"
        "services:\n  shop: {runbook: trouble, binds: {mkdir: as-is, sleep: as-is}}\n"
    )
    context = open_context(tmp_path / "hutch.yaml")
    listener = listen(0)
    async with serving(context, listener):
        yield Hutch(f"http://127.0.0.1:{listener.getsockname()[1]}", context)
    await context.close()


@dataclass
class Visits:
    """What the browser did that it should not have done."""

    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    contexts: list[BrowserContext] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))


Visit = Callable[..., Awaitable[Page]]


@pytest.fixture
async def visits(chromium: Browser) -> AsyncIterator[Visits]:
    """Ends with a look at what the pages did."""
    seen = Visits()
    yield seen
    for context in seen.contexts:
        await context.close()
    assert seen.faults == []
    assert seen.hosts <= {"127.0.0.1"}


@pytest.fixture
async def visit(chromium: Browser, visits: Visits) -> Visit:
    """Opens an address in a browser of its own; ``context_of`` another page of the same browser."""

    async def go(url: str, beside: Page | None = None, **options: Any) -> Page:
        context = beside.context if beside else await chromium.new_context(**options)
        if not beside:
            visits.contexts.append(context)
        page = await context.new_page()
        visits.watch(page)
        await page.goto(url)
        return page

    return go

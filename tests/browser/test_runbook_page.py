"""The runbook and run pages in a real browser: what they start, what a hostile document does not, whom they serve."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Dialog, Page, Request, expect

from hutch.commands import runs

WATCH = """addEventListener("securitypolicyviolation",
  (event) => (window.refused = window.refused || []).push(event.violatedDirective))"""

HOSTILE = Path(__file__).parents[1] / "data" / "web" / "hostile.md"

CARE = """# Care

Words about the cache, and [a list](trouble.md).

## Cold cache

### Diagnosis

Look first:

1. Speak:

   ```bash
   echo one; sleep 1; echo two; sleep 1; echo three
   # Should return three
   ```

2. | What | How much |
   |------|---------:|
   | rows | 1        |

```sh {"name":"Ask the team","hutch.manual":"true"}
Ask the team of the cache
```

### Resolution

**Option 1: Warm it**

```bash
mkdir [folder]
```

**Option 2: Empty it**

```sql
DELETE FROM entries;
```
"""


@pytest.fixture
def books(hutch: Any) -> Path:
    """A folder of documents beside the one that every test has."""
    folder = Path(hutch.context.config.path).parent / "books"
    folder.mkdir()
    (folder / "care.md").write_text(CARE)
    return folder


async def live(page: Page) -> None:
    await expect(page.locator("#link-word")).to_have_text("live", timeout=20_000)


def hurt(page: Page) -> tuple[list[str], list[str]]:
    """What a document made the page do: dialogs, and requests that leave."""
    dialogs: list[str] = []
    left: list[str] = []

    async def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        await dialog.dismiss()

    def note(request: Request) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            left.append(request.url)

    page.on("dialog", refuse)
    page.on("request", note)
    return dialogs, left


async def test_a_hostile_document_does_nothing(hutch: Any, visit: Any, books: Path) -> None:
    (books / "hostile.md").write_text(HOSTILE.read_text())
    page = await visit(f"{hutch.address}/runs")
    dialogs, left = hurt(page)
    await page.add_init_script(WATCH)
    for path in ("/runbooks/hostile", "/runbooks?q=hostile"):
        await page.goto(hutch.address + path)
        await live(page)
    await page.locator(".shelf a.title, .shelf h2 a").first.click()
    await live(page)
    address = page.url
    await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    for link in await page.locator("article a[href^='#'], article summary").all():
        await link.click()
    for link in await page.locator("article a:not([href])").all():
        await link.dispatch_event("click")
    await page.mouse.move(300, 300)
    await page.wait_for_timeout(300)
    assert await page.evaluate("window.hurt === undefined && window.refused === undefined")
    assert page.url.partition("#")[0] == address
    assert (dialogs, left) == ([], [])
    for name in ("live", "news", "main", "notice", "start", "token", "actor"):
        assert await page.evaluate("(n) => !document.querySelector('article').querySelector(`#${n}`)", name)
    assert await page.evaluate("getComputedStyle(document.body).display") != "none"
    assert await page.evaluate("document.baseURI === location.href")
    await expect(page.locator(".stepcard")).to_have_count(2)
    await expect(page.locator("h1")).to_contain_text("Everything <img src=x onerror=window.hurt=1>")


async def test_a_runbook_is_run_from_its_page_and_speaks_live(hutch: Any, visit: Any, books: Path) -> None:
    page = await visit(f"{hutch.address}/runbooks")
    await page.get_by_role("link", name="Cold cache").click()
    await expect(page.locator(".stepcard")).to_have_count(4)
    await page.locator("#start").get_by_text("open value").click()
    await page.locator("#start").get_by_label("[folder]").fill("it's; warm")
    await page.locator("#start").get_by_label("Your name").fill("olivia")
    await page.evaluate("window.sameAsBefore = true")
    await page.locator("#start").get_by_role("button", name="Run on shop").click()
    await expect(page.get_by_role("status")).to_contain_text("Started as R-")
    assert "/runs/R-" in page.url
    said = page.locator("pre.out").first
    await expect(said).to_have_text("one\n", timeout=10_000)
    await expect(said).to_contain_text("three", timeout=10_000)
    await page.locator(".hand").get_by_label("What you did or saw").fill("they know")
    await page.locator(".hand").get_by_role("button", name="Done").click()
    await expect(page.locator(".hand")).to_contain_text("done by olivia")
    await expect(page.locator("#remedy-1")).to_contain_text("mkdir 'it'\"'\"'s; warm'", timeout=10_000)
    await page.get_by_text("Cancel this run").click()
    await page.get_by_label("Why", exact=True).last.fill("enough")
    await page.get_by_role("button", name="Cancel the run").click()
    await expect(page.locator("h1 + p")).to_contain_text("cancelled by olivia: enough", timeout=10_000)
    assert await page.evaluate("window.sameAsBefore")
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("Cold cache")


async def test_one_step_by_keyboard_without_javascript(hutch: Any, visit: Any, books: Path) -> None:
    page = await visit(f"{hutch.address}/runbooks/care/cold-cache", java_script_enabled=False)
    button = page.locator(".stepcard").first.get_by_role("button", name="Run this step")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Cold cache: Speak")
    await expect(page.locator(".card.cause")).to_have_count(0)
    for _ in range(200):
        run = (await runs.listing(hutch.context))[-1]
        if run.finished:
            break
        await asyncio.sleep(0.05)
    assert run.program.asked and list(run.read.values()) == ["passed"]


async def test_an_anchor_leads_where_documents_mean_it(hutch: Any, visit: Any, books: Path) -> None:
    page = await visit(f"{hutch.address}/runbooks/care#cold-cache")
    await expect(page.locator("h1")).to_have_text("Cold cache")
    await page.goto("about:blank")
    await page.goto(f"{hutch.address}/runbooks/care#resolution")
    await expect(page.locator("#doc-resolution")).to_be_in_viewport()
    assert page.url.endswith("/runbooks/care/cold-cache#doc-resolution")


async def test_what_is_copied_is_the_statement(hutch: Any, visit: Any, books: Path) -> None:
    page = await visit(f"{hutch.address}/runbooks/care/cold-cache")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy the statement").first.click()
    await expect(page.locator("#news")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "echo one; sleep 1; echo two; sleep 1; echo three"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_the_pages(hutch: Any, visit: Any, books: Path, scheme: str) -> None:
    """No finding of axe, at level AA, on any of the new pages; nothing scrolls sideways on a telephone."""
    state, run = await hutch.waiting()
    page = await visit(f"{hutch.address}/runbooks", color_scheme=scheme, viewport={"width": 400, "height": 800})
    runbooks = ("/runbooks", "/runbooks/care", "/runbooks/care/cold-cache")
    for path in (*runbooks, "/runs", f"/runs/{run}", f"/incidents/{state.id}", "/"):
        await page.goto(hutch.address + path)
        await live(page)
        await page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = await Axe().run(page)
        assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found.response["violations"]] == [], path
    await page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [v["id"] for v in (await Axe().run(page)).response["violations"]] == ["html-has-lang"]  # it can tell

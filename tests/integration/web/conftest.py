"""A real server over a real store, and a client that reads pages as a browser without JavaScript does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import runs
from hutch.commands.context import Context
from hutch.web.server import listen, serving
from stores import DURABLE

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


@dataclass
class Form:
    """A form as it stands on a page: where it goes and what it sends if nobody types."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """The forms, scripts, styles and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.html, self.forms, self.said = text, [], ""
        self.attributes: list[tuple[str, str, str]] = []
        self._in: list[str] = []
        self.feed(text)

    forms: list[Form]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        self.attributes += [(tag, k, v) for k, v in given.items()]
        self._in.append(tag)
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "input" and given.get("type") != "checkbox":
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and "formaction" in given:
            self.forms[-1].others.append(given["formaction"])

    def handle_data(self, data: str) -> None:
        if self._in and self._in[-1] not in ("script", "style"):
            self.said += data

    def form(self, ending: str) -> Form:
        """The first form whose action ends so."""
        return next(f for f in self.forms if f.action.endswith(ending))

    def later(self, ending: str) -> Form:
        """The same, past the first form of all pages, which only keeps a name."""
        return next(f for f in self.forms[1:] if f.action.endswith(ending))


@dataclass
class Site:
    """The server's address, its context, and a client with its own cookies."""

    address: str
    context: Context
    client: aiohttp.ClientSession

    async def page(self, path: str) -> Page:
        async with self.client.get(self.address + path) as answer:
            assert answer.status == 200, await answer.text()
            return Page(await answer.text())

    async def send(self, form: Form, action: str = "", **typed: str) -> Page:
        """Send a form as a browser does; returns the page that it ends on."""
        url = self.address + (action or form.action)
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        async with self.client.post(url, data={**form.fields, **typed}, headers=headers) as answer:
            assert answer.history[0].status == 303
            return Page(await answer.text())

    async def told(self, path: str, ending: str, **typed: str) -> str:
        """Send the form of that ending on that page, past the one that keeps a name; returns what is said then."""
        page = await self.send((await self.page(path)).later(ending), **typed)
        return " ".join(page.html.partition('<div id="notice">')[2].partition("</div>")[0].split())

    async def until(self, run_id: str, what: Callable[[runs.Run], bool]) -> runs.Run:
        """The run, once it is so."""
        for _ in range(400):
            run = await runs.load(self.context, run_id)
            if what(run):
                return run
            await asyncio.sleep(0.05)
        raise AssertionError(run)


Opened = Callable[..., Awaitable[Site]]


@pytest.fixture(params=[pytest.param(k, marks=pytest.mark.slow) if k == "sqlite" else k for k in DURABLE])
def on_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same test on either store: what is opened within it, here or in a process of its own, lies there.

    On SQLite among the slow ones: all other tests of these pages run there.
    """
    if request.param == "postgres":
        monkeypatch.setenv("HUTCH_DATABASE_URL", request.getfixturevalue("database_url"))
    return str(request.param)


@pytest.fixture
async def served() -> AsyncIterator[Callable[[Context], Awaitable[Site]]]:
    """Starts a server over a context, and closes both."""
    closing: list[Callable[[], Awaitable[object]]] = []

    async def start(context: Context) -> Site:
        listener = listen(0)
        block = serving(context, listener)
        await block.__aenter__()
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        closing.extend([client.close, lambda: block.__aexit__(None, None, None), context.close])
        return Site(f"http://127.0.0.1:{listener.getsockname()[1]}", context, client)

    yield start
    for close in closing:
        await close()


@pytest.fixture
def opened(tmp_path: Path, served: Callable[[Context], Awaitable[Site]]) -> Opened:
    """Starts a server in the given mode."""

    async def start(mode: str = "act", runbooks: str = "[trouble.md]", binds: str = "{mkdir: as-is}") -> Site:
        (tmp_path / "trouble.md").write_text(RUNBOOK)
        (tmp_path / "hutch.yaml").write_text(
            f"mode: {mode}\nrunbooks: {runbooks}\nservices:\n  shop: {{runbook: trouble, binds: {binds}}}\n"
        )
        return await served(open_context(tmp_path / "hutch.yaml"))

    return start


@pytest.fixture
async def site(opened: Opened) -> Site:
    """A server that acts."""
    return await opened()


@pytest.fixture
def reader() -> type[Page]:
    """Reads a page that some other server drew."""
    return Page

"""A server on which people sign in, and clients that come by a session, by a token, or by nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from hutch.bootstrap.wire import open_context
from hutch.commands.access import audit, people, signin, tokens
from hutch.commands.context import Context
from hutch.model.access import SCOPES, AccessRole
from hutch.web.server import listen, serving

PASSWORD = "correct horse battery staple"

RUNBOOK = (
    "# Shop\n\n## Trouble\n\n### Detection\n\n```bash\necho well\n```\n\n### Resolution\n\n```bash\nmkdir noted\n```\n"
)

CONFIG = "mode: act\ndiagnose_every: 0s\nrunbooks: [trouble.md]\n"
SERVICES = "services: {shop: {}, bank: {}}\n"

BROWSER = {"Origin": "null", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
"""What a browser says when a form of our own page is sent."""


@dataclass
class Answer:
    status: int
    text: str
    place: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """By role, or for want of signing in."""
        return (
            "Sign in first" in self.text or self.place.startswith("/sign-in") or "Your role does not allow" in self.text
        )


@dataclass
class Guarded:
    """The server's address and its context."""

    address: str
    context: Context
    stack: AsyncExitStack

    async def account(self, name: str, role: AccessRole | None, **grants: AccessRole) -> None:
        await people.add(self.context, name, role, "", "test")
        for service, granted in grants.items():
            await people.set_role(self.context, name, granted, service, "test")

    async def client(self, name: str = "") -> Client:
        """A browser; with a name one in which they are signed in, begun as signing in does."""
        found = await self.stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), auto_decompress=True)
        )
        made = Client(self.address, found)
        if name:
            account = await people.load(self.context, name)
            secret = await signin.begin(self.context, account, "test", address="127.0.0.1", label="aiohttp")
            made.cookie(secret)
        return made

    async def token(self, name: str, *scopes: str) -> Client:
        chosen = tokens.scopes_of(scopes) if scopes else frozenset(SCOPES)
        account = await people.load(self.context, name)
        chosen = frozenset(s for s in chosen if account.person().may_somewhere(s))
        _, secret = await tokens.make(self.context, name, "test", chosen, timedelta(hours=1), name)
        found = await self.stack.enter_async_context(aiohttp.ClientSession())
        return Client(self.address, found, {"Authorization": f"Bearer {secret}"})

    async def told(self) -> list[tuple[str, str, dict[str, object]]]:
        """Actor, kind and data of every event of the stream of access."""
        return [(e.actor, e.kind, dict(e.data)) for e in await self.context.store.read(audit.STREAM)]


@dataclass
class Client:
    address: str
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    def cookie(self, secret: str) -> None:
        self.http.cookie_jar.update_cookies({"hutch-session": secret}, aiohttp.client.URL(self.address))

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **given: object) -> Answer:
        sent = {**self.headers, **(headers or {})}
        timeout = aiohttp.ClientTimeout(total=20)
        async with self.http.request(
            method, self.address + path, headers=sent, allow_redirects=False, timeout=timeout, **given
        ) as answer:  # type: ignore[arg-type]
            stream = answer.headers.get("content-type", "").startswith("text/event-stream")
            text = "" if stream else await answer.text()
            return Answer(answer.status, text, answer.headers.get("location", ""), dict(answer.headers))

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def form(self, page: str, action: str, **fields: str) -> Answer:
        """Send a form with the token that stands on a page."""
        found = re.search(r'name="token" value="([^"]+)"', (await self.get(page)).text)
        assert found, page
        return await self.ask("POST", action, BROWSER, data={"token": found[1], **fields})


@asynccontextmanager
async def guarded(
    folder: Path, more: str = "", port: int = 0, document: str = RUNBOOK, services: str = SERVICES
) -> AsyncIterator[Guarded]:
    """A server over a store of its own."""
    (folder / "trouble.md").write_text(document)
    (folder / "hutch.yaml").write_text(CONFIG + services + more)
    context = open_context(folder / "hutch.yaml")
    listener = listen(port)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(context.close)
        await stack.enter_async_context(serving(context, listener))
        yield Guarded(f"http://127.0.0.1:{listener.getsockname()[1]}", context, stack)

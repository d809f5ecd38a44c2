"""Whether changes are stopped, looked at before each request: so a page is drawn without waiting for the store."""

from __future__ import annotations

from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from hutch.commands.context import Context
from hutch.commands.freeze import frozen
from hutch.ports import StoreAway

ALSO = ("/static/", "/events", "/api/v1/ingest/", "/v2/enqueue")
"""What shows no freeze and asks for none."""


class Stopped:
    """What was seen last; ``reason`` is empty while changes are allowed."""

    def __init__(self, context: Context) -> None:
        self._context, self.reason = context, ""

    async def look(self) -> None:
        """Look again; while the store's server is away it stays as it was, and nothing can be changed either."""
        with suppress(StoreAway):
            self.reason = await frozen(self._context)


class Looking:
    """Plain ASGI: looks, and passes on."""

    def __init__(self, app: ASGIApp, stopped: Stopped) -> None:
        self.app, self.stopped = app, stopped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look where a page or an answer may say it."""
        if scope["type"] == "http" and not scope["path"].startswith(ALSO):
            await self.stopped.look()
        await self.app(scope, receive, send)

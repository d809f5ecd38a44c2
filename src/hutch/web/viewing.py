"""Who looks at a page or asks the API: what a private incident hides goes by that name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hutch.commands.seen import seen_as
from hutch.web import people

HEADER = "hutch-name"
"""The request header in which a client of the API names itself."""

MACHINES = ("/metrics", "/healthz", "/api/v1/ingest/", "/api/v1/pagerduty", "/v2/enqueue", "/a/")
"""What other tools ask and send: it shows no incident."""


class Viewing:
    """Plain ASGI: the rest of the request is done as whoever asks may see it; without a name, nothing private."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the viewer, and pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with seen_as(None if scope["path"].startswith(MACHINES) else _who(Request(scope))):
            await self.app(scope, receive, send)


def _who(request: Request) -> str:
    return people.clean(request.headers.get(HEADER, "")) or people.known(request)

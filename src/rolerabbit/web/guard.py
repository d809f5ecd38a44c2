"""Refuses blocked addresses before anything else looks at their request."""

from __future__ import annotations

import contextlib
from typing import Final

import psycopg
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.types import ASGIApp, Receive, Scope, Send

from rolerabbit import trail
from rolerabbit.web.access import Parts, ip_in

OPEN: Final = frozenset({"/api/health", "/metrics"})
"""What answers everybody: the platform and the monitoring ask it."""
NOTE_SECONDS: Final = 0.5


class Guard:
    """Answers 403 to blocked addresses, and notes each of them as `SUSPICIOUS_IP` once a minute. A trusted proxy is let
    through whoever has blocked it: everybody stands behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what is not blocked."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        parts: Parts = scope["app"].state.parts
        ip = ip_in(scope, parts)
        until = parts.blocklist.blocked_until(ip)
        if until is None or parts.clients.trusts(ip):
            await self._app(scope, receive, send)
            return
        await _note(parts, ip, scope["path"])
        error = f"requests from this address are blocked until {until.isoformat(timespec='seconds')}"
        await JSONResponse({"error": error}, 403)(scope, receive, send)


async def _note(parts: Parts, ip: str | None, path: str) -> None:
    if not parts.seldom.may(f"blocked {ip}"):
        return
    with contextlib.suppress(psycopg.Error, PoolTimeout, TooManyRequests):
        async with parts.pool.connection(timeout=NOTE_SECONDS) as connection:
            details = {"reason": "blocked address", "path": path[:200]}
            await trail.security(connection, "SUSPICIOUS_IP", None, ip, details)

"""The middleware around every request: a trace id, the metrics, and one log line for what failed."""

from __future__ import annotations

import logging
import secrets
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rolerabbit.metrics import Metrics

UNCOUNTED: Final = frozenset({"/metrics"})
"""Scrapes are no traffic of users: they would thin out the error rate."""
UNMATCHED: Final = "unmatched"
_log = logging.getLogger("rolerabbit.request")


@dataclass(slots=True)
class _Answer:
    send: Send
    trace_id: str
    status: int = 500

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], (b"x-trace-id", self.trace_id.encode())]}
        await self.send(message)


class Instrument:
    """Wraps the routes. Sets `state.trace_id`; reads `state.user_id` and `state.failure`, which handlers set."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass anything but HTTP through; count and time HTTP."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["trace_id"] = secrets.token_hex(8)
        answer, started = _Answer(send, state["trace_id"]), time.monotonic()
        try:
            with self._counted(scope["path"]):
                await self._app(scope, receive, answer)
        finally:
            self._note(scope, state, answer.status, time.monotonic() - started)

    def _counted(self, path: str) -> AbstractContextManager[object]:
        return nullcontext() if path in UNCOUNTED else self._metrics.in_flight.track_inprogress()

    def _note(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", UNMATCHED)
        if path not in UNCOUNTED:
            self._metrics.request(scope["method"], path, status, seconds)
        if status >= 500:
            _log.error(
                "%s %s answered %d: %s",
                scope["method"],
                path,
                status,
                state.get("failure", "unhandled error"),
                exc_info=sys.exc_info()[1],
                extra=_fields(scope, state, path, status, seconds),
            )


def _fields(scope: Scope, state: dict[str, Any], path: str, status: int, seconds: float) -> dict[str, Any]:
    return {
        "user_id": state.get("user_id"),
        "trace_id": state["trace_id"],
        "method": scope["method"],
        "path": path,
        "status": status,
        "seconds": round(seconds, 4),
    }

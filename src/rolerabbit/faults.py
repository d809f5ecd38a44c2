"""The faults that a release can carry: real behaviour of its code, chosen by `RR_FAULT`, for drills."""

from __future__ import annotations

import asyncio
import logging
import os
from itertools import count
from typing import Any, Final, Protocol

import psycopg
from starlette.types import ASGIApp, Receive, Scope, Send

from rolerabbit.config import Settings

LEAK_EVERY: Final = 3
"""A release that leaks does so on every third read of portfolios."""
ERRORS_OF_FIVE: Final = 3
"""A release with the wrong column fails this many of five reads of portfolios: 60 %."""

WAITS_AT: Final = {"slow": 3, "seldom-slow": 200}
"""A release that waits does so at one visit of so many: at every third, or so seldom that few notice."""
WAITS_S: Final = 1.5
UNMOVED: Final = ("/api/health", "/metrics")

CRASH_AFTER_S: Final = 3.0
"""A release that crashes does so as long after its start."""
_log = logging.getLogger("rolerabbit.worker")


class PortfolioReads(Protocol):
    """What a release does beside the query itself whenever portfolios are read; `cached`: whether it may be spared."""

    @property
    def cached(self) -> bool:
        """Whether an answer from the cache will do."""

    async def before(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Runs on the request's connection before the query; what it raises fails the request."""

    async def close(self) -> None:
        """Runs when the replica stops."""


class SoundReads:
    """A release without a fault."""

    cached = True

    async def before(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Nothing stands between the request and its query."""

    async def close(self) -> None:
        """Nothing is held."""


class LeakingReads:
    """Counts views on a connection of its own, inside a transaction that is neither ended nor closed.

    Each leak stays `idle in transaction` until the replica stops or somebody ends the session. Once the server is
    full, the reads that would leak fail with the server's own "too many clients already".
    """

    cached = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reads = count(1)
        self._held: list[psycopg.AsyncConnection[Any]] = []

    async def before(self, connection: psycopg.AsyncConnection[Any]) -> None:  # noqa: ARG002
        """On every third read, open one more session and leave its transaction open."""
        if next(self._reads) % LEAK_EVERY:
            return
        own = await psycopg.AsyncConnection.connect(self._settings.database_url, **self._settings.connect_options)
        self._held.append(own)
        await own.execute("SELECT count(*) FROM portfolios WHERE published = true")

    async def close(self) -> None:
        """What the end of the process would do anyway."""
        for held in self._held:
            await held.close()
        self._held.clear()


class Waiting:
    """A release that waits for another company's answer at one visit of so many, and holds nothing meanwhile.

    Plain ASGI. ``fault`` is a key of :data:`WAITS_AT`.
    """

    def __init__(self, app: ASGIApp, fault: str) -> None:
        self._app, self._every, self._visits = app, WAITS_AT[fault], count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, and pass on; those who only look whether it is well do not wait."""
        visit = scope["type"] == "http" and scope["path"] not in UNMOVED
        if visit and next(self._visits) % self._every == 0:
            await asyncio.sleep(WAITS_S)
        await self._app(scope, receive, send)


class WrongColumnReads:
    """Asks for a column that no migration has made, as a release does that went out before its migration."""

    cached = False

    def __init__(self) -> None:
        self._reads = count()

    async def before(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Fails three of five reads with `psycopg.errors.UndefinedColumn`."""
        if next(self._reads) % 5 < ERRORS_OF_FIVE:
            await connection.execute("SELECT theme FROM portfolios LIMIT 1")

    async def close(self) -> None:
        """Nothing is held."""


async def crash_soon(seconds: float = CRASH_AFTER_S) -> None:
    """What a release does whose background job dies and takes the process with it: exit code 1, no clean end."""
    await asyncio.sleep(seconds)
    _log.critical("the thumbnail worker died of an unhandled error, the process ends: KeyError: 'width'")
    logging.shutdown()
    os._exit(1)


def portfolio_reads(settings: Settings) -> PortfolioReads:
    """How this release reads portfolios."""
    if settings.fault == "leak":
        return LeakingReads(settings)
    return WrongColumnReads() if settings.fault == "errors" else SoundReads()

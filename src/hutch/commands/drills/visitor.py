"""A visitor of the harness's own: an independent word on whether requests still get an answer at all.

The service's metrics count what it answered; a request that it never answered is seen only from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp

EVERY = 0.25
"""Seconds between two requests."""

PATIENCE = 5.0
"""Seconds after which a request counts as unanswered."""


class Visitor:
    """Asks for one page again and again; notes when each request began that got no answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._asking: set[asyncio.Task[None]] = set()
        self.unanswered: list[datetime] = []
        self.asked = 0

    def between(self, begin: datetime, end: datetime) -> int:
        """How many of the requests that began then got no answer."""
        return sum(begin <= at < end for at in self.unanswered)

    async def settled(self) -> None:
        """Return once every request that is under way now has come to its end."""
        if self._asking:
            await asyncio.wait(set(self._asking))

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(force_close=True)) as session:
            try:
                while True:
                    task = asyncio.create_task(self._ask(session))
                    self._asking.add(task)
                    task.add_done_callback(self._asking.discard)
                    await asyncio.sleep(EVERY)
            finally:
                for task in self._asking:
                    task.cancel()
                await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        began = datetime.now(UTC)
        self.asked += 1
        try:
            async with session.get(self._url) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.unanswered.append(began)


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visitor]:
    """A visitor of this address while the block lasts."""
    visitor = Visitor(url)
    task = asyncio.create_task(visitor.run())
    try:
        yield visitor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

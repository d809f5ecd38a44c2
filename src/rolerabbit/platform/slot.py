"""A place that is kept filled: starts its replica again, with growing delays, whenever the process ends unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from rolerabbit.embedded.errors import PortTaken
from rolerabbit.platform.replica import Replica
from rolerabbit.platform.settings import READY_SECONDS

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 8.0
STEADY_SECONDS = 30.0
"""A replica that lived as long starts over with the shortest delay."""


def backoff(crashes: int) -> float:
    """Seconds before the start after the ``crashes``-th crash in a row (1 is the first): 0.5, 1, 2, 4, 8, 8, ...

    >>> [backoff(n) for n in (1, 2, 3, 6, 60)]
    [0.5, 1.0, 2.0, 8.0, 8.0]
    """
    return float(min(FIRST_DELAY_SECONDS * 2 ** min(crashes - 1, 10), LONGEST_DELAY_SECONDS))


class Slot:
    """Keeps one replica of a release alive. ``start`` makes a process, ``on_end`` hears of each that has ended; one has
    ``ready_within`` seconds."""

    def __init__(
        self,
        name: str,
        release: str,
        start: Callable[[str], Awaitable[Replica]],
        on_end: Callable[[Replica], None],
        ready_within: float = READY_SECONDS,
    ) -> None:
        self.name = name
        self.release = release
        self.restarts = 0
        self._start = start
        self._on_end = on_end
        self._ready_within = ready_within
        self._replica: Replica | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def replica(self) -> Replica | None:
        """The process at this moment; None while a start is put off."""
        return self._replica

    @property
    def running(self) -> bool:
        """Whether there is a live process."""
        return self._replica is not None and self._replica.running

    def describe(self) -> dict[str, Any]:
        """For /status."""
        replica = self._replica if self.running else None
        return {
            "replica": self.name,
            "release": self.release,
            "pid": replica.pid if replica else None,
            "state": replica.state if replica else "backing-off",
            "restarts": self.restarts,
            "started_at": replica.started_at.isoformat() if replica else None,
        }

    async def fill(self) -> bool:
        """Start the first process. True once it is ready, and it is kept from then on; False if it didn't get there."""
        self._replica = await self._start(self.name)
        if self._closing.is_set() or not await self._replica.wait_ready(self._ready_within):
            await self.empty(0.0)
            return False
        self._keeper = asyncio.create_task(self._keep(self._replica))
        return True

    async def empty(self, grace: float) -> None:
        """Stop the process for good, ``grace`` seconds after asking it to finish."""
        self._closing.set()
        if self._replica is not None:
            await self._replica.stop(grace)
        if self._keeper is not None:
            await self._keeper
        elif self._replica is not None:
            self._ended(self._replica)

    def _ended(self, replica: Replica) -> None:
        self._replica = None
        self._on_end(replica)

    async def _keep(self, replica: Replica) -> None:
        """Until closed: wait for the end of the process, then for its delay, and start it again."""
        crashes = 0
        while True:
            await replica.wait()
            self._ended(replica)
            lived = (datetime.now(UTC) - replica.started_at).total_seconds()
            crashes = 1 if lived >= STEADY_SECONDS else crashes + 1
            successor = await self._again(crashes)
            if successor is None:
                return
            replica = self._replica = successor
            self.restarts += 1
            await replica.wait_ready(self._ready_within)
            if self._closing.is_set():
                await replica.stop(0.0)

    async def _again(self, crashes: int) -> Replica | None:
        """Start anew after the delay; a port that somebody took meanwhile is waited for. None once closed."""
        while not await self._closed_within(backoff(crashes)):
            try:
                return await self._start(self.name)
            except PortTaken:
                crashes += 1
        return None

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False

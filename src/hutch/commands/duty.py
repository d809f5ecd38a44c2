"""Does what only one process of a store may do at a time: waits for its turn, renews it, and stops when it is lost.

Whoever has it may write for as long as its lease surely holds, by a clock of its own that never steps and that began
before the lease was asked for. A store that cannot be reached takes the duty from nobody: the work goes on, and writes
nothing, until the store says who has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hutch.model.duty import Duties
from hutch.ports import StoreAway, StoreFull

LEASE = 6.0
"""Seconds after which a process that was killed has the duty no more; as long as a job's."""

RENEWAL = 2.0
"""Seconds between two renewals."""

TURN = 1.0
"""Seconds between two tries of one that waits for its turn."""

log = logging.getLogger("hutch.duties")


class Duty:
    """One duty of this process. Without ``duties`` nobody else can have it."""

    def __init__(self, duties: Duties | None, name: str) -> None:
        self.duties, self.name = duties, name
        self.waiting = False
        self._until = 0.0

    @property
    def mine(self) -> bool:
        """Whether it is surely ours at this moment."""
        return self.duties is None or asyncio.get_running_loop().time() < self._until

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work`` whenever it is our turn, until cancelled; anew where the store was away or full for too long. Any
        other error of the work ends this too."""
        if self.duties is None:
            await work()
            return
        try:
            while True:
                await self._turn(self.duties)
                try:
                    await self._done(self.duties, work)
                except (StoreFull, StoreAway) as error:
                    log.error("%r begins anew: %s", self.name, error)
                    await asyncio.sleep(TURN)
        finally:
            self._until = 0.0
            await self.duties.release(self.name)

    async def _turn(self, duties: Duties) -> None:
        """Return when it is ours."""
        while not (held := await self._hold(duties)):
            if held is False and not self.waiting:
                log.info("another process does %r; this one stands by", self.name)
            self.waiting = held is False  # where nobody can tell, nobody may be doing it
            await asyncio.sleep(TURN)
        self.waiting = False

    async def _done(self, duties: Duties, work: Callable[[], Awaitable[None]]) -> None:
        """Return when another has it."""
        task = asyncio.ensure_future(work())
        try:
            while not task.done():
                await asyncio.wait([task], timeout=RENEWAL)
                if not task.done() and await self._hold(duties) is False:
                    log.warning("another process does %r now; this one stands by", self.name)
                    return
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _hold(self, duties: Duties) -> bool | None:
        began = asyncio.get_running_loop().time()
        held = await duties.hold(self.name, LEASE)
        if held is not None:
            self._until = began + LEASE if held else 0.0
        return held

"""Alerts from outside wait here for their commit: what comes at the same time is written together.

An alert is acknowledged when its commit is durable, not before. Where more wait than there is room for, whoever comes
next is told to come again: nothing is dropped in silence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.commands.alerts import BATCH, receive
from hutch.commands.context import Context
from hutch.commands.intake import Receipt
from hutch.model.alert import Alert

ROOM = 2048
"""Alerts that may wait for their commit."""

COME_AGAIN = 2
"""Seconds after which whoever was sent away may come again."""


class Crowded(Exception):
    """More alerts wait than there is room for; come again in :data:`COME_AGAIN` seconds."""


@dataclass(slots=True)
class Inbox:
    """One for each process that takes alerts in."""

    context: Context
    room: int = ROOM
    _waiting: deque[tuple[tuple[Alert, ...], asyncio.Future[list[Receipt]]]] = field(default_factory=deque)
    _count: int = 0
    _pump: asyncio.Task[None] | None = None

    async def take(self, alerts: Sequence[Alert]) -> list[Receipt]:
        """Durable when this returns, also if whoever asks goes away meanwhile. Raises :class:`Crowded`, and what the
        store raises."""
        if not alerts:
            return []
        if self._count + len(alerts) > max(self.room, len(alerts) if not self._count else 0):
            raise Crowded(f"{self._count} alerts wait to be written; come again in {COME_AGAIN} s")
        done: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append((tuple(alerts), done))
        self._count += len(alerts)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._write())
        return await asyncio.shield(done)

    async def _write(self) -> None:
        """Write what waits, a batch at a time, until nothing does."""
        while self._waiting:
            batch = [self._waiting.popleft()]
            while self._waiting and sum(len(a) for a, _ in batch) + len(self._waiting[0][0]) <= BATCH:
                batch.append(self._waiting.popleft())
            await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[tuple[Alert, ...], asyncio.Future[list[Receipt]]]]) -> None:
        alerts = [alert for several, _ in batch for alert in several]
        (found,) = await asyncio.gather(receive(self.context, alerts), return_exceptions=True)
        at = 0
        for several, done in batch:
            if not done.done() and isinstance(found, BaseException):
                done.set_exception(found)
            elif not done.done():
                done.set_result(found[at : at + len(several)])  # type: ignore[index]
            at += len(several)
        self._count -= sum(len(alerts) for alerts, _ in batch)

    async def close(self) -> None:
        """Wait until what was taken is written."""
        if self._pump:
            await asyncio.wait([self._pump])

"""The queue beside an embedded store. The table of jobs is the truth; asyncio only wakes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from hutch.model.depth import Depth
from hutch.ports import TakenJob, Wallclock

LEASE_SECONDS = 15.0
"""How long a job stays ours without :meth:`LocalQueue.extend`; a process seen to be dead loses its jobs at once."""

LATELY = 1.0
"""Seconds in which a lease that was begun or renewed is not renewed again: nobody can have taken it, and asking costs
a write to the disk."""

POLL_SECONDS = 0.25
"""How often jobs that other processes deferred are looked for."""


class JobTable(Protocol):
    """What the queue needs of the store's jobs; ``lease`` in seconds."""

    @property
    def clock(self) -> Wallclock:
        """The clock by which jobs are due and leases end."""

    async def take(self, kinds: Sequence[str], lock: str | None, lease: float, most: int = 1) -> list[TakenJob]:
        """Lease the first due jobs whose locks are free, up to ``most`` in one transaction."""

    async def next_due(self, kinds: Sequence[str] | None, lock: str | None, within: float) -> datetime | None:
        """When the first job that may be taken is or was due, at most so many seconds ahead. ``kinds`` None: any."""

    async def extend(self, taken: TakenJob, lease: float) -> bool:
        """Renew the lease; False when it was lost."""

    async def finish(self, taken: TakenJob) -> None:
        """Remove the job."""

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back, or keep it as dead."""

    async def depth(self) -> Depth:
        """How many jobs there are."""

    def listening(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside, ``callback`` is called from any thread when this process made a job takable."""


class HasJobs(Protocol):
    """A store that keeps jobs beside its events."""

    @property
    def jobs(self) -> JobTable:
        """Its jobs."""


Asked = tuple[tuple[str, ...] | None, str | None]
_ANY: Asked = (None, None)
Taking = tuple[int, int]
Moment = tuple[float, datetime]


def _of(taken: TakenJob) -> Taking:
    """Each taking of a job has its own number."""
    return taken.id, taken.attempts


class LocalQueue:
    """Jobs of one store, for the workers of one process. ``lease`` is in seconds."""

    def __init__(self, store: HasJobs, *, lease: float = LEASE_SECONDS) -> None:
        self._jobs, self._lease = store.jobs, lease
        self._asked: WeakKeyDictionary[asyncio.Task[Any], Asked] = WeakKeyDictionary()
        self._renewed: dict[Taking, Moment] = {}

    async def take(self, kinds: Sequence[str], lock: str | None = None) -> TakenJob | None:
        """The due job that has waited longest, of these kinds and whose lock is free; None when there is none."""
        return next(iter(await self._take(kinds, lock, 1)), None)

    async def take_all(self, kinds: Sequence[str], most: int) -> list[TakenJob]:
        """Up to ``most`` of them, those that have waited longest, in one transaction."""
        return await self._take(kinds, None, most)

    async def _take(self, kinds: Sequence[str], lock: str | None, most: int) -> list[TakenJob]:
        task = asyncio.current_task()
        if task is not None:
            self._asked[task] = (tuple(kinds), lock)
        began = self._moment()
        taken = await self._jobs.take(kinds, lock, self._lease, most)
        if taken:
            lately = {t: at for t, at in self._renewed.items() if self._lately(at)}
            self._renewed = lately | dict.fromkeys(map(_of, taken), began)
        return taken

    async def extend(self, taken: TakenJob) -> bool:
        """Renew the lease; False when it was lost and somebody else may have the job."""
        began, renewed = self._moment(), self._renewed.get(_of(taken))
        if renewed and self._lately(renewed):
            return True
        held = await self._jobs.extend(taken, self._lease)
        if held:
            self._renewed[_of(taken)] = began
        return held

    async def finish(self, taken: TakenJob) -> None:
        """Remove the job; nothing happens if its lease was lost and another has it."""
        self._renewed.pop(_of(taken), None)
        await self._jobs.finish(taken)

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back for ``retry_at``; None keeps it as dead, for the record."""
        self._renewed.pop(_of(taken), None)
        await self._jobs.fail(taken, retry_at)

    async def depth(self) -> Depth:
        """How many jobs there are, of all kinds."""
        return await self._jobs.depth()

    async def wait(self, timeout: float) -> None:
        """Return when a job is due for what this task last tried to take, at latest after ``timeout`` seconds.

        A task that took nothing yet waits for any job.
        """
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        current = asyncio.current_task()
        asked = self._asked.get(current, _ANY) if current is not None else _ANY
        deadline = loop.time() + timeout

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(woken.set)

        with self._jobs.listening(wake):
            while (pause := min(deadline - loop.time(), await self._pause(asked))) > 0:
                with suppress(TimeoutError):  # wait_for, before Python 3.12, may lose a cancellation
                    async with asyncio.timeout(pause):
                        await woken.wait()
                woken.clear()

    def _moment(self) -> Moment:
        return time.monotonic(), self._jobs.clock.now()

    def _lately(self, moment: Moment) -> bool:
        """By both clocks: one may be set back, the other stands still while the machine sleeps."""
        monotonic, wall = self._moment()
        gone = (wall - moment[1]).total_seconds()
        return monotonic - moment[0] < LATELY and 0 <= gone < LATELY

    async def _pause(self, asked: Asked) -> float:
        """Seconds until it is worth looking again: 0 when a job is due."""
        due = await self._jobs.next_due(*asked, POLL_SECONDS)
        return POLL_SECONDS if due is None else min(POLL_SECONDS, (due - self._jobs.clock.now()).total_seconds())

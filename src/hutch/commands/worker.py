"""Does the jobs: drives runs, starts runbooks, tells incidents, rings clocks. Any number may run at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hutch.commands import alerts, incidents, messages, paging, respond, runs, subscribers
from hutch.commands.approvals import asked
from hutch.commands.context import CommandError, Context
from hutch.commands.freeze import held_here
from hutch.commands.world import ServiceWorld, world_of
from hutch.engine.drive import Driver, Stopping
from hutch.engine.stages import Guards
from hutch.model.action import Outcome
from hutch.model.approval import Terms
from hutch.model.event import Event
from hutch.model.program import Option
from hutch.model.run import Run
from hutch.ports import Conflict, StoreAway, StoreFull, TakenJob
from hutch.processes import end_left_behind
from hutch.runbook.expectations import met

IDLE_WAIT = 5.0
"""Seconds after which an idle worker looks again even if nothing woke it."""

FULL_WAIT = 2.0
"""Seconds before a worker whose store's disk is full, or whose server is away, tries again."""

LEASE_RENEWAL = 2.0
"""Seconds between renewals of the lease of a job under way: on Postgres a worker is given up after three of them."""

RETRY_AFTER = timedelta(seconds=2)
"""How long a job waits before it is tried again, times the tries so far."""

MAX_TRIES = 50
"""Tries after which a job is dropped, kept for the record, and said to have failed."""

CANCEL_AGAIN = 5.0
"""Seconds that a lane gets to give back its job before it is cancelled once more."""

PARALLEL = 4
"""Jobs under way at once in one worker, beside the clocks."""

CLOCK = "clock"
"""The kind of job that looks at an incident's clocks. These have a lane of their own: runs and messages that take their
time make no promise late."""

TOGETHER = 64
"""Incidents whose clocks are looked at together: taken in one transaction, and what they say shares a sync of the
disk."""

GRACE = 20.0
"""Seconds that a worker which is told to stop gives the jobs under way."""

log = logging.getLogger("hutch.worker")


LOCATED = frozenset({"probe"})
"""Kinds of job that are done at a place: a job of one names it, and only workers of that place take it."""


def located(kind: str, location: str) -> str:
    """The kind under which a job for a place is deferred and taken: ``probe@frankfurt``; without a place ``probe``."""
    return f"{kind}@{location}" if location else kind


Work = Callable[[], Coroutine[Any, Any, bool]]
"""Takes what is due and does it; whether there was anything."""


class Worker:
    """Takes jobs and does them until it is stopped. ``watched``: a process on this store evaluates the alert rules.

    With ``location`` it takes only the jobs of that place, without one the others.
    """

    def __init__(self, context: Context, *, watched: bool = False, location: str = "") -> None:
        self.context = context
        self.watched = watched
        self.driver = driver(context, watched=watched)
        self.handlers: dict[str, Callable[[TakenJob], Coroutine[Any, Any, None]]] = {
            "drive": self._drive,
            "follow": self._follow,
            "respond": self._respond,
            CLOCK: self._clock,
            "watch": self._watch,
            "alert": self._alert,
            messages.JOB: self._message,
            subscribers.JOB: self._subscribers,
        }
        self.kinds = [located(k, location) for k in self.handlers if not location or k in LOCATED]
        self.others = [k for k in self.kinds if k != CLOCK]
        self._read: Mapping[str, Sequence[Event]] = {}
        self._working: set[asyncio.Task[Any] | None] = set()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event | None = None, at_once: asyncio.Event | None = None) -> None:
        """Do jobs as they come, several at once, until ``stop``: then the statements under way end, the rest of their
        runs is left to the next worker, and what has not ended after ``GRACE`` seconds, or when ``at_once`` comes, is
        broken off and given back. Cancelled, it gives all back at once. What a dead Hutch left running is ended first.
        """
        if ended := await asyncio.to_thread(end_left_behind):
            log.warning("ended %d processes that a Hutch which is gone had left running", ended)
        self._stop = stop = stop or asyncio.Event()
        turn = asyncio.Lock()
        lanes = [asyncio.create_task(self._lane(stop, self._other, turn)) for _ in range(PARALLEL)]
        if CLOCK in self.kinds:
            lanes.append(asyncio.create_task(self._lane(stop, self._clocks, asyncio.Lock())))
        over = asyncio.create_task(stop.wait())
        hurry = asyncio.create_task((at_once or asyncio.Event()).wait())
        try:
            await asyncio.wait([over, *lanes], return_when=asyncio.FIRST_COMPLETED)
            await self._finish(lanes, hurry)
        finally:
            await _ended(over, hurry, *lanes)

    async def _finish(self, lanes: list[asyncio.Task[None]], hurry: asyncio.Task[Any]) -> None:
        """After ``stop``; or a lane ended by a defect, which ends all."""
        if self._stop.is_set():
            for idle in [lane for lane in lanes if lane not in self._working]:
                idle.cancel()
            if self._working:
                log.warning("what is under way has %g seconds to end; a second signal ends it at once", GRACE)
            whole = asyncio.gather(*lanes, return_exceptions=True)
            await asyncio.wait([whole, hurry], timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        for lane in lanes:
            if lane.done() and not lane.cancelled():
                lane.result()

    async def _lane(self, stop: asyncio.Event, work: Work, turn: asyncio.Lock) -> None:
        """``turn``: of several idle lanes one listens for all, since each look at the queue has its price."""
        while not stop.is_set():
            try:
                if not await work():
                    async with turn:
                        await self.context.queue.wait(IDLE_WAIT)
            except (StoreFull, StoreAway) as error:
                log.error("nothing can be done now, it is tried again: %s", error)
                await asyncio.sleep(FULL_WAIT)

    async def step(self, lock: str | None = None) -> bool:
        """Take and do one due job (of ``lock`` if given); False when there is none."""
        taken = await self.context.queue.take(self.kinds, lock)
        return await self._all([taken] if taken else [])

    async def _other(self) -> bool:
        """A due job that is none of clocks."""
        taken = await self.context.queue.take(self.others)
        return await self._all([taken] if taken else [])

    async def _clocks(self) -> bool:
        """The clocks of many incidents, each in a transaction of its own, which the store writes together."""
        taken = await self.context.queue.take_all((CLOCK,), TOGETHER)
        if len(taken) > 1:
            self._read = await paging.together(self.context, [str(one.job.data["incident"]) for one in taken])
        try:
            return await self._all(taken)
        finally:
            self._read = {}

    async def _all(self, taken: Sequence[TakenJob]) -> bool:
        """Do these at once; whether there were any. What one of them raises waits for the end of the others."""
        lane = asyncio.current_task()
        self._working.add(lane)
        try:
            ended = await asyncio.gather(*(self._do(one) for one in taken), return_exceptions=True)
        finally:
            self._working.discard(lane)
        if error := next((e for e in ended if e is not None), None):
            raise error
        return bool(taken)

    async def _do(self, taken: TakenJob) -> None:
        work = asyncio.create_task(self.handlers[taken.job.kind.partition("@")[0]](taken))
        lease = asyncio.create_task(self._keep(taken, work))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            with suppress(StoreFull, StoreAway):  # then its lease runs out
                await self.context.queue.fail(taken, self.context.clock.now())
            raise
        finally:
            lease.cancel()
        await self._settle(taken, work)

    async def _settle(self, taken: TakenJob, work: asyncio.Task[None]) -> None:
        """What becomes of a job whose work has ended. No error of one job stops the others."""
        error = None if work.cancelled() else work.exception()
        if work.cancelled() or (isinstance(error, Conflict) and not await self.context.queue.extend(taken)):
            log.warning("job %s for %s was taken over by another worker", taken.job.kind, taken.job.lock)
        elif isinstance(error, Stopping):
            await self.context.queue.fail(taken, self.context.clock.now())
        elif isinstance(error, CommandError | LookupError):
            log.error("job %s for %s cannot be done: %s", taken.job.kind, taken.job.lock, error)
            await self.context.queue.fail(taken, None)
        elif error is not None:
            await self._again(taken, error)

    async def _keep(self, taken: TakenJob, work: asyncio.Task[None]) -> None:
        """Renew the lease while the job is done; stop the work as soon as it is no longer ours."""
        while True:
            await asyncio.sleep(LEASE_RENEWAL)
            with suppress(StoreFull, StoreAway):  # nobody takes it then either; a change asks again before it is made
                if not await self.context.queue.extend(taken):
                    work.cancel()
                    return

    async def _again(self, taken: TakenJob, error: BaseException) -> None:
        retry = taken.attempts < MAX_TRIES
        end = "" if retry else "; given up"
        log.error("job %s for %s failed: %r%s", taken.job.kind, taken.job.lock, error, end)
        at = self.context.clock.now() + RETRY_AFTER * taken.attempts if retry else None
        await self.context.queue.fail(taken, at)

    # -------------------------------------------------------------- the jobs

    async def _drive(self, taken: TakenJob) -> None:
        async def ours() -> bool:
            return await self.context.queue.extend(taken)

        await self.driver.drive(str(taken.job.data["run"]), taken.id, ours, self._stop.is_set)

    async def _follow(self, taken: TakenJob) -> None:
        await runs.follow(self.context, str(taken.job.data["incident"]), str(taken.job.data["run"]))
        await self.context.queue.finish(taken)

    async def _respond(self, taken: TakenJob) -> None:
        incident = str(taken.job.data["incident"])
        try:
            await respond.respond(self.context, incident, taken.id)
        except CommandError as error:
            await respond.cannot_respond(self.context, incident, str(error))
        await self.context.queue.finish(taken)

    async def _clock(self, taken: TakenJob) -> None:
        incident = str(taken.job.data["incident"])
        await paging.attend(self.context, incident, taken.id, self._read.get(incident))

    async def _alert(self, taken: TakenJob) -> None:
        await alerts.recheck(self.context, str(taken.job.data["fingerprint"]))
        await self.context.queue.finish(taken)

    async def _message(self, taken: TakenJob) -> None:
        data = taken.job.data
        await messages.deliver(self.context, str(data["stream"]), str(data["message"]), taken.id)

    async def _subscribers(self, taken: TakenJob) -> None:
        data = taken.job.data
        await subscribers.tell(self.context, str(data["stream"]), int(str(data["number"])), taken.id)

    async def _watch(self, taken: TakenJob) -> None:
        await incidents.end_watch(self.context, str(taken.job.data["incident"]))
        await self.context.queue.finish(taken)


def driver(context: Context, *, watched: bool) -> Driver:
    """The engine's driver, wired to this context."""
    limits = context.config.guards
    guards = Guards(limits.max_hits, limits.per_hour, limits.actions, lambda: held_here(context.home))

    async def world(run: Run) -> ServiceWorld:
        return await world_of(context, run, watched=watched)

    def judge(text: str, outcome: Outcome) -> bool | None:
        return met(text, outcome.output)

    async def terms(run: Run, option: Option, first: bool) -> Terms:
        return await asked(context, run, option, first)

    mask, waits = context.secrets.mask, context.config.approval_for
    return Driver(context.store, context.clock, world, guards, judge, mask, waits, terms, context.outputs)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them until they have ended: on the way a cancellation may be lost (``wait_for`` before Python 3.12)."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=CANCEL_AGAIN)

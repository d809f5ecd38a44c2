"""Starts what the configuration asks for at times: each time as one run, whichever and however many servers look.

Such a run passes all that every change passes. Its approval is the configuration's, and stands in the log as that of
``policy:schedule``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import timedelta

from hutch.commands import runs
from hutch.commands.acting import act
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.freeze import frozen
from hutch.model.timed import Due, Timed
from hutch.ports import Conflict, StoreAway, StoreFull

EVERY = 20.0
"""Seconds between two looks at what is due."""

TRIES, PAUSE = 4, timedelta(minutes=10)
"""How often what did not succeed is tried for one time that has come, and how long after the first, times the tries."""

SCHEDULE = "schedule"
"""The policy in whose name such a run is approved."""

log = logging.getLogger("hutch.timekeeper")


class Timekeeper:
    """Looks at what is due until it is cancelled, of this service or of all."""

    def __init__(self, context: Context, service: Service | None = None) -> None:
        self.context = context
        services = [service] if service else list(context.services.values())
        self.timed = [(s, t) for s in services for c in s.connections.values() for t in c.timed]
        self._said = ""

    async def run(self) -> None:
        """Look, at its pace. Without anything timed it ends at once."""
        while self.timed:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Start what is due. What cannot be started now is still due at the next look."""
        if why := await self._held():
            if why != self._said:
                log.warning("nothing that is scheduled is started: %s", why)
            self._said = why
            return
        self._said = ""
        for service, timed in self.timed:
            due = await timed.due()
            if due:
                await self._start(service, timed, due)

    async def _held(self) -> str:
        if self.context.config.mode != "act":
            return f"{self.context.config.mode} mode applies nothing (mode: act)"
        try:
            reason = await frozen(self.context)
        except StoreAway as error:
            return str(error)
        return f"changes are frozen: {reason}" if reason else ""

    async def _start(self, service: Service, timed: Timed, due: Due) -> None:
        name = hashlib.sha256(f"{service.name}\0{timed.action}\0{due.key}".encode()).hexdigest()[:10]
        try:
            for number in range(1, TRIES + 1):
                run_id = f"R-{SCHEDULE}-{name}" + (f"-{number}" if number > 1 else "")
                if not await self.context.store.read(f"run:{run_id}"):
                    await act(self.context, service, timed.action, due.args, timed.title, f"policy:{SCHEDULE}",
                              run_id=run_id, schedule=SCHEDULE)  # fmt: skip
                    return
                if not await self._missed(run_id, number):
                    return
        except Conflict:
            return  # another server was first
        except (CommandError, StoreFull, StoreAway) as error:
            log.error("%s of %s is due (%s) and cannot be started: %s", timed.action, service.name, due.key, error)

    async def _missed(self, run_id: str, number: int) -> bool:
        """Whether a try is over, or cut off, for long enough and did not come to what is still due."""
        run = await runs.load(self.context, run_id)
        over = run.finished or run.waiting == "decision"
        return over and self.context.clock.now() - run.started_at >= PAUSE * number

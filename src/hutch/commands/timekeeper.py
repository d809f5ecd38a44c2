"""Starts what the configuration asks for at times: each time as one run, whichever and however many servers look.

Such a run passes all that every change passes. Its approval is the configuration's, and stands in the log as that of
``policy:schedule``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging

from hutch.commands.acting import act
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.freeze import frozen
from hutch.model.timed import Due, Timed
from hutch.ports import Conflict, StoreAway, StoreFull

EVERY = 20.0
"""Seconds between two looks at what is due."""

SCHEDULE = "schedule"
"""The policy in whose name such a run is approved."""

log = logging.getLogger("hutch.timekeeper")


class Timekeeper:
    """Looks at what is due until it is cancelled."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.timed = [(s, t) for s in context.services.values() for c in s.connections.values() for t in c.timed]
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
        at = self.context.clock.now()
        name = hashlib.sha256(f"{service.name}\0{timed.action}\0{due.key}".encode()).hexdigest()[:10]
        try:
            await act(self.context, service, timed.action, due.args, timed.title, f"policy:{SCHEDULE}",
                      run_id=f"R-{SCHEDULE}-{name}", schedule=SCHEDULE)  # fmt: skip
        except Conflict:
            return  # somebody started it, or it was done before and did not come to what was wanted
        except (CommandError, StoreFull, StoreAway) as error:
            log.error("%s of %s, due at %s, cannot be started: %s", timed.action, service.name, at.isoformat(), error)

"""The read-only side of a Vercel project: does a good deployment have the production domains?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.vercel.client import UNDER_WAY, Build, Client, State
from hutch.remote import Refused, Silent

CHECK = "vercel.production"


@dataclass(frozen=True, slots=True)
class Production:
    """Check ``vercel.production``."""

    client: Client
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """A deployment that is ready has the domains, they all point at it, and the newest one was built."""
        at, started = self.now(), time.monotonic()
        try:
            seen = await self._look()
        except (Refused, Silent) as error:
            seen = Seen(Status.UNKNOWN, str(error), reason=str(error))
        return seen.by(CHECK, self.client.config.target, at, time.monotonic() - started)

    async def _look(self) -> Seen:
        state = await self.client.state()
        newest = None
        async for build in self.client.builds(state):
            newest = build
            break
        status, summary = judged(state, newest)
        data: dict[str, object] = {
            "release": state.production.id if state.production else "",
            "names": list(state.production.names) if state.production else [],
            "newest": newest.id if newest else "",
            "pinned": state.pinned,
        }
        return Seen(status, summary, data, (str(state), *((f"newest: {newest}",) if newest else ())))


def judged(state: State, newest: Build | None) -> tuple[Status, str]:
    """How production is, and the words for it. The old deployment goes on serving while a newer one fails to build."""
    running = state.production
    if running is None or not running.ready:
        return Status.BAD, f"no deployment serves: {running or 'none has the production domains'}"
    said = f"{running.id} serves"
    if state.move and state.move.status == "failed":
        return Status.WARN, f"{said}; the last {state.move.type} could not take every domain along"
    if state.move and state.move.going_on:
        return Status.WARN, f"{said}; a {state.move.type} goes on"
    if newest and newest.id != running.id and newest.created_at > running.created_at:
        if newest.state in UNDER_WAY:
            return Status.WARN, f"{said}; {newest.id} is being built"
        if not newest.ready:
            return Status.WARN, f"{said}; the newest deployment {newest.id} {newest.state.lower()}: {newest.why}"
    return Status.OK, said

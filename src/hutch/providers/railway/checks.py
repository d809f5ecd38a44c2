"""The read-only side of a Railway service: does its deployment run?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.railway.client import Client, State
from hutch.providers.railway.platform import previous
from hutch.providers.railway.replicas import wanted
from hutch.remote import Refused, Silent

CHECK = "railway.deployment"


@dataclass(frozen=True, slots=True)
class Running:
    """Check ``railway.deployment``."""

    client: Client
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """The deployment that should serve runs, and the newest one was not given up."""
        at, started = self.now(), time.monotonic()
        try:
            seen = await self._look(at)
        except (Refused, Silent) as error:
            seen = Seen(Status.UNKNOWN, str(error), reason=str(error))
        return seen.by(CHECK, self.client.config.target, at, time.monotonic() - started)

    async def _look(self, at: datetime) -> Seen:
        state = await self.client.state()
        regions = await self._regions()
        status, summary = judged(state)
        data: dict[str, object] = {
            "release": state.live.id,
            "names": list(state.live.names),
            "status": state.live.status,
            "busy": state.busy,
            "regions": regions,
            "most": self.client.config.max_replicas,
        }
        age = (at - state.live.created_at).total_seconds()
        if status is Status.BAD and age <= self.client.config.lately:
            before = await previous(self.client, state.live)
            data |= {"deployed_ago": round(age, 1), **({"go_back_to": before.id} if before else {})}
        return Seen(status, summary, data, (str(state),))

    async def _regions(self) -> dict[str, int]:
        """How many replicas are wanted in each region; none where Railway does not say: no trouble by itself."""
        try:
            found = await wanted(self.client.config)
        except (Refused, Silent):
            return {}
        return {region: found.of(region) for region in found.regions}


def judged(state: State) -> tuple[Status, str]:
    """How the service is, and the words for it. The old deployment goes on serving while a newer one is made."""
    said = f"{state.live.id} is {state.live.status.lower()}"
    if state.live.status == "CRASHED":
        return Status.BAD, said
    if state.busy:
        return Status.WARN, f"{said}; a deployment goes on"
    failed = next((d for d in state.newer if d.status == "FAILED"), None)
    return (Status.WARN, f"{said}; the newest deployment {failed.id} failed") if failed else (Status.OK, said)

"""One look at a Railway service before and after it is scaled."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.providers.railway.client import Client, State
from hutch.providers.railway.replicas import Wanted, instances, wanted


@dataclass(frozen=True, slots=True)
class Seen:
    """The deployments, the replicas that should run, and how many of the serving deployment do."""

    state: State
    wanted: Wanted
    running: int

    def __str__(self) -> str:
        return f"{self.running} of {self.wanted.total} replicas run ({self.wanted}); {self.state}"


async def look(client: Client) -> Seen:
    """The service now."""
    state, found = await client.state(), await wanted(client.config)
    rows = await instances(client.config, state.live.id)
    return Seen(state, found, sum(status == "RUNNING" for _, status in rows))

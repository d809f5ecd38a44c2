"""What runs on Railway, in the words that all platforms share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Change
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing, brought
from hutch.ports import Unanswered
from hutch.providers.railway.client import Client, Deployed
from hutch.providers.railway.limits import limits
from hutch.providers.railway.logs import search
from hutch.providers.railway.replicas import instances
from hutch.remote import Refused, Silent, answered

MOST_DEPLOYMENTS = 500
"""The newest that are listed."""
RAN = frozenset({"SUCCESS", "CRASHED", "SLEEPING", "REMOVED", "REMOVING"})
"""Deployments that have served, or were built and then removed."""


@dataclass(frozen=True, slots=True)
class RailwayPlatform:
    """Implements :class:`hutch.ports.Platform`."""

    client: Client
    now: Callable[[], datetime]

    async def standing(self) -> Standing:
        """The deployment that should serve, and its replicas."""
        return await answered(self._standing())

    async def deployments(self) -> Sequence[Deployment]:
        """The newest 500."""
        return await answered(self._deployments())

    async def changes(self) -> list[Change]:
        """The deployments that brought another source, oldest first; none when Railway does not say."""
        try:
            found = await self.deployments()
        except Unanswered:
            return []
        return brought(found)

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The lines of every deployment of that time."""
        return await answered(search(self.client, query, self.now()))

    async def _standing(self) -> Standing:
        state = await self.client.state()
        live, before = state.live, await previous(self.client, state.live)
        rows = await instances(self.client.config, live.id)
        replicas = tuple(Instance(id_, live.id, status.lower(), status == "RUNNING") for id_, status in rows)
        sizes = await self._sizes()
        return Standing(live.id, before.id if before else "", state.busy, replicas or (_asleep(live),), sizes)

    async def _sizes(self) -> Mapping[str, float]:
        """What each replica may have. Nothing where Railway does not say: it runs all the same."""
        try:
            return (await limits(self.client.config)).as_dict()
        except (Refused, Silent):
            return {}

    async def _deployments(self) -> list[Deployment]:
        found: list[Deployed] = []
        async for one in self.client.deployments():
            found.append(one)
            if len(found) == MOST_DEPLOYMENTS:
                break
        return told(found[::-1])


def _asleep(live: Deployed) -> Instance:
    """What stands for a deployment without any replica: one that sleeps until it is asked is well."""
    return Instance(live.id, live.id, live.status.lower(), live.status == "SLEEPING", 0, live.created_at)


async def previous(client: Client, live: Deployed) -> Deployed | None:
    """The newest one before it that Railway can go back to, of another source."""
    async for one in client.deployments():
        if one.created_at < live.created_at and one.can_roll_back and one.source != live.source:
            return one
    return None


def told(found: Sequence[Deployed]) -> list[Deployment]:
    """Each deployment with the one that ran before it. One of the same source is a restart, one of a source that had
    run before is a roll-back."""
    rows: list[Deployment] = []
    ran: list[Deployed] = []
    for one in found:
        state = "running" if one.under_way else "succeeded" if one.status in RAN else "failed"
        before = ran[-1] if ran else None
        kind = "deploy"
        if before and before.source == one.source:
            kind = "restart"
        elif one.source in {past.source for past in ran}:
            kind = "rollback"
        reason = f"Railway calls it {one.status.lower() or 'nothing'}" if state == "failed" else ""
        ended = None if state == "running" else one.changed_at
        left = before.id if before else ""
        rows.append(Deployment(one.id, one.id, kind, state, one.created_at, ended, left, reason, one.names))
        if state == "succeeded":
            ran.append(one)
    return rows

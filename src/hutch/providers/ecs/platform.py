"""What runs on ECS, in the words that all platforms share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Change
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing, brought
from hutch.ports import Unanswered
from hutch.providers.ecs.client import Client, Past, Task
from hutch.providers.ecs.logs import search
from hutch.remote import answered

NAMED = 10
"""Releases, the newest, of which it is told what else they are called."""
STATES = {"SUCCESSFUL": "succeeded", "PENDING": "running", "IN_PROGRESS": "running"}
"""What ECS calls a deployment that got there or is under way; whatever else it says is one that failed."""


@dataclass(frozen=True, slots=True)
class EcsPlatform:
    """Implements :class:`hutch.ports.Platform`."""

    client: Client
    now: Callable[[], datetime]

    async def standing(self) -> Standing:
        """The release that ECS goes to, and the tasks of any."""
        state = await answered(self.client.state())
        tasks = await answered(self.client.tasks())
        release = state.primary.release
        found = told(await answered(self.client.past()))
        before = next((d.release for d in reversed(found) if d.state == "succeeded" and d.release != release), "")
        sizes = await self.client.size(release)
        return Standing(release, before, state.busy, tuple(map(_instance, tasks)), sizes, wanted=state.wanted)

    async def deployments(self) -> Sequence[Deployment]:
        """The newest hundred of the 90 days that AWS keeps. Of the last few releases it is told what else they are
        called: AWS gives that one by one."""
        past = await answered(self.client.past())
        lately = list(dict.fromkeys(entry.release for entry in reversed(past) if entry.release))[:NAMED]
        names = await asyncio.gather(*map(self.client.names, lately))
        return told(past, dict(zip(lately, names, strict=True)))

    async def changes(self) -> list[Change]:
        """The deployments that brought another release, oldest first; none when AWS does not say."""
        try:
            found = await self.deployments()
        except Unanswered:
            return []
        return brought(found)

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The lines of every container of the release that writes to CloudWatch Logs."""
        return await answered(search(self.client, query, self.now()))


def told(past: Sequence[Past], names: Mapping[str, tuple[str, ...]] | None = None) -> list[Deployment]:
    """Each deployment with the release that ran before it. One to the same release is a restart, one to a release that
    had run before is a roll-back."""
    found: list[Deployment] = []
    ran: list[str] = []
    for entry in past:
        state, before = STATES.get(entry.status, "failed"), ran[-1] if ran else ""
        kind = "restart" if entry.release == before else "rollback" if entry.release in ran else "deploy"
        found.append(
            Deployment(
                entry.id,
                entry.release,
                kind,
                state,
                entry.started_at,
                entry.finished_at,
                before,
                entry.reason if state == "failed" else "",
                (names or {}).get(entry.release, ()),
            )
        )
        if state == "succeeded":
            ran.append(entry.release)
    return found


def _instance(task: Task) -> Instance:
    state = task.status.lower() + (" unhealthy" if task.health == "UNHEALTHY" else "")
    return Instance(task.id[:12], task.release, state, task.ready, 0, task.started_at)

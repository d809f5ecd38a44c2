"""What runs on ECS, in the words that all platforms share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Change
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing
from hutch.ports import Unanswered
from hutch.providers.ecs.client import Client, Past, Task
from hutch.providers.ecs.logs import search
from hutch.remote import answered

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
        return Standing(release, before, state.busy, tuple(map(_instance, tasks)), wanted=state.wanted)

    async def deployments(self) -> Sequence[Deployment]:
        """The newest hundred of the 90 days that AWS keeps."""
        return told(await answered(self.client.past()))

    async def changes(self) -> list[Change]:
        """The deployments that brought another release, oldest first; none when AWS does not say."""
        try:
            found = await self.deployments()
        except Unanswered:
            return []
        return [_change(d) for d in found if d.state == "succeeded" and d.kind != "restart"]

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The lines of every container of the release that writes to CloudWatch Logs."""
        return await answered(search(self.client, query, self.now()))


def told(past: Sequence[Past]) -> list[Deployment]:
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
            )
        )
        if state == "succeeded":
            ran.append(entry.release)
    return found


def _instance(task: Task) -> Instance:
    state = task.status.lower() + (" unhealthy" if task.health == "UNHEALTHY" else "")
    return Instance(task.id[:12], task.release, state, task.ready, 0, task.started_at)


def _change(found: Deployment) -> Change:
    after = f" after {found.previous}" if found.previous else ""
    said = f"rolled back to {found.release}" if found.kind == "rollback" else f"release {found.release} deployed{after}"
    return Change("deployment", found.release, found.started_at, said, found.previous)

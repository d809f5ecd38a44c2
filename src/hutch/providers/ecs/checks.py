"""The read-only side of an ECS service: do its tasks run, and stay?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.ecs.client import Client, State, Task
from hutch.providers.ecs.platform import told
from hutch.remote import Refused, Silent

CHECK = "ecs.tasks"
SCALED_IN = ("Scaling activity initiated by", "Task stopped by user")
"""How ECS says that a task was stopped on purpose."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """Check ``ecs.tasks``."""

    client: Client
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """As many tasks as are wanted, none ended by itself of late, no rollout given up."""
        at, started = self.now(), time.monotonic()
        try:
            seen = await self._look(at)
        except (Refused, Silent) as error:
            seen = Seen(Status.UNKNOWN, str(error), reason=str(error))
        return seen.by(CHECK, self.client.config.target, at, time.monotonic() - started)

    async def _look(self, at: datetime) -> Seen:
        state = await self.client.state()
        ended = [task for task in await self.client.tasks("STOPPED") if crashed(task)]
        status, summary = judged(state, ended)
        data: dict[str, object] = {
            "release": state.primary.release,
            "names": list(await self.client.names(state.primary.release)),
            "wanted": state.wanted,
            "running": state.running,
            "busy": state.busy,
            "ended": len(ended),
            "most": self.client.config.max_replicas,
        }
        if status is Status.BAD:
            data |= await self._way_back(state, at)
        evidence = (str(state), *(f"task {task.id[:12]} of {task.release}: {task.why}" for task in ended[-5:]))
        return Seen(status, summary, data, evidence)

    async def _way_back(self, state: State, at: datetime) -> dict[str, object]:
        """The release before, where the one that runs was deployed lately."""
        made = [d for d in told(await self.client.past()) if d.state != "failed"]
        newest = made[-1] if made else None
        if newest is None or newest.release != state.primary.release or newest.kind != "deploy" or not newest.previous:
            return {}
        age = (at - newest.started_at).total_seconds()
        lately = age <= self.client.config.lately
        return {"deployed_ago": round(age, 1), **({"go_back_to": newest.previous} if lately else {})}


def crashed(task: Task) -> bool:
    """Whether a stopped task ended by itself: not scaled in, not replaced by a deployment."""
    return bool(task.why) and not task.why.startswith(SCALED_IN)


def judged(state: State, ended: Sequence[Task]) -> tuple[Status, str]:
    """How the tasks are, and the words for it. A rollout under way is no trouble by itself."""
    said = f"{state.running} of {state.wanted} tasks of release {state.primary.release} run"
    if state.primary.state == "FAILED":
        return Status.BAD, f"{said}; the rollout failed: {state.primary.reason or 'ECS gave it up'}"
    lost = [task for task in ended if task.release == state.primary.release]
    if lost and state.running < state.wanted:
        return Status.BAD, f"{said}; {len(lost)} ended by themselves"
    if state.busy:
        return Status.WARN, f"{said}; a deployment goes on"
    if not state.wanted or state.running < state.wanted:
        return (Status.BAD if not state.running else Status.WARN), said
    return (Status.WARN if lost else Status.OK), said + (f"; {len(lost)} ended by themselves lately" if lost else "")

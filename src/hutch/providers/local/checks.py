"""The read-only side of a local platform: its replicas, its deployments, its metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.model.action import Sample
from hutch.model.exposition import samples
from hutch.model.finding import Change, Finding, Status
from hutch.providers.local.client import Client, Deployment, PlatformStatus, Replica
from hutch.remote import Refused, Silent


@dataclass(frozen=True, slots=True)
class Reader:
    """Looks at one platform."""

    client: Client
    now: Callable[[], datetime]

    async def replicas(self) -> Finding:
        """Check ``local.replicas``: do all replicas serve, and has none ended by itself lately?"""
        at, started = self.now(), time.monotonic()
        target = self.client.config.target
        try:
            status = await self.client.status()
            crashed = self.crashed(status, at)
            deployed = await self._deployed(status) if crashed else None
        except (Refused, Silent) as error:
            took = time.monotonic() - started
            return Finding("local.replicas", target, Status.UNKNOWN, str(error), at, took, reason=str(error))
        verdict, summary = judged(status, crashed)
        evidence = tuple(str(r) for r in status.replicas)
        took = time.monotonic() - started
        figures = {**_figures(status), **self._suspect(status, crashed, deployed, at)}
        return Finding("local.replicas", target, verdict, summary, at, took, figures, evidence)

    async def _deployed(self, status: PlatformStatus) -> Deployment | None:
        """How the release that runs got there, where that was a deployment and no roll-back."""
        made = [d for d in await self.client.deployments() if d.status != "failed"]
        last = made[-1] if made else None
        return last if last and last.release == status.release and last.kind != "rollback" else None

    def _suspect(
        self, status: PlatformStatus, crashed: list[Replica], deployed: Deployment | None, at: datetime
    ) -> Mapping[str, object]:
        """The release that crashes, and the one before where it was deployed lately and it alone crashes."""
        found: dict[str, object] = {"crash_restarts": sum(r.restarts for r in crashed)}
        if deployed is None or not deployed.previous or any(r.release != status.release for r in crashed):
            return found
        age = (at - deployed.started_at).total_seconds()
        lately = age <= self.client.config.lately
        return {**found, "deployed_ago": round(age, 1), **({"go_back_to": deployed.previous} if lately else {})}

    def crashed(self, status: PlatformStatus, at: datetime) -> list[Replica]:
        """The replicas that are down, or were started again a moment ago because they had ended."""
        window = self.client.config.crash_window
        return [r for r in status.replicas if _down(r) or (r.restarts and _age(r, at) <= window)]

    async def changes(self) -> list[Change]:
        """The deployments and roll-backs that took place, oldest first; none when the platform is silent."""
        try:
            deployments = await self.client.deployments()
        except (Refused, Silent):
            return []
        return [_change(d) for d in deployments if d.status != "failed"]

    async def scrape(self) -> list[Sample]:
        """The metrics of platform and replicas; nothing when they cannot be read: no data is not zero."""
        try:
            return samples(await self.client.metrics(), self.now())
        except (Refused, Silent, ValueError):
            return []


def judged(status: PlatformStatus, crashed: list[Replica]) -> tuple[Status, str]:
    """How the replicas are, and the words for it. A change being made is no trouble by itself."""
    wanted = len(status.replicas)
    serving = f"{status.ready} of {wanted} replicas of release {status.release} serve"
    if status.busy:
        return Status.WARN, f"a change is being made; {status.ready} replicas serve"
    if crashed or not wanted:
        names = ", ".join(r.name for r in crashed)
        return Status.BAD, f"{serving}; ended by themselves: {names}" if names else "no replica runs"
    return (Status.OK if status.ready == wanted else Status.WARN), serving


def _figures(status: PlatformStatus) -> Mapping[str, object]:
    return {
        "release": status.release,
        "ready": status.ready,
        "wanted": len(status.replicas),
        "busy": status.busy,
        "restarts": sum(r.restarts for r in status.replicas),
    }


def _down(replica: Replica) -> bool:
    return replica.pid is None


def _age(replica: Replica, at: datetime) -> float:
    return (at - replica.started_at).total_seconds() if replica.started_at else 0.0


def _change(deployment: Deployment) -> Change:
    after = f" after {deployment.previous}" if deployment.previous else ""
    said = f"release {deployment.release} deployed{after}"
    summary = f"rolled back to {deployment.release}" if deployment.kind == "rollback" else said
    return Change("deployment", deployment.release, deployment.started_at, summary, deployment.previous)

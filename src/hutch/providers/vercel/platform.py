"""What runs on Vercel, in the words that all platforms share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Change
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing, brought
from hutch.ports import Unanswered
from hutch.providers.vercel.client import UNDER_WAY, Build, Client, Move, State
from hutch.providers.vercel.logs import search
from hutch.remote import answered

MOST_DEPLOYMENTS = 500
"""The newest that are listed."""
JOBS = {"succeeded": "succeeded", "pending": "running", "in-progress": "running"}
"""What Vercel calls a move of the domains that is made or under way; whatever else it says is one that failed."""


@dataclass(frozen=True, slots=True)
class VercelPlatform:
    """Implements :class:`hutch.ports.Platform`."""

    client: Client
    now: Callable[[], datetime]

    async def standing(self) -> Standing:
        """The deployment that has the production domains: one, which Vercel runs as often as it needs."""
        return await answered(self._standing())

    async def deployments(self) -> Sequence[Deployment]:
        """The newest 500 production deployments, and the last roll-back or promotion: Vercel tells no earlier one."""
        return await answered(self._deployments())

    async def changes(self) -> list[Change]:
        """What brought another deployment to production, oldest first; none when Vercel does not say."""
        try:
            found = await self.deployments()
        except Unanswered:
            return []
        return brought(found)

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """What production has logged."""
        return await answered(search(self.client, query, self.now()))

    async def _standing(self) -> Standing:
        state = await self.client.state()
        running = state.running
        newer, before = await around(self.client.builds(state), running)
        busy = any(b.state in UNDER_WAY for b in newer) or bool(state.move and state.move.going_on)
        instance = Instance(running.id, running.id, running.state.lower(), running.ready, 0, running.created_at)
        return Standing(running.id, before.id if before else "", busy, (instance,))

    async def _deployments(self) -> list[Deployment]:
        state = await self.client.state()
        found: list[Build] = []
        async for build in self.client.builds(state):
            found.append(build)
            if len(found) == MOST_DEPLOYMENTS:
                break
        return told(found[::-1], state)


async def around(builds: AsyncIterator[Build], running: Build) -> tuple[list[Build], Build | None]:
    """The deployments newer than the running one, and the one that ran before it: not another build of the same."""
    newer: list[Build] = []
    root = running.root
    async for build in builds:
        if build.id == running.id:
            root = build.root
        elif build.created_at > running.created_at:
            newer.append(build)
        elif build.ran and build.candidate and build.root != root:
            return newer, build
    return newer, None


def told(builds: Sequence[Build], state: State) -> list[Deployment]:
    """Each deployment with the one that ran before it, oldest first, and the last move of the domains in its place."""
    found: list[Deployment] = []
    before: Build | None = None
    for build in builds:
        found.append(_deployment(build, before))
        if build.ran:
            before = build
    if state.move and state.move.to and state.move.type in {"rollback", "promote"}:
        found.append(_moved(state.move, {build.id: build.names for build in builds}))
    return sorted(found, key=lambda d: d.started_at)


def _deployment(build: Build, before: Build | None) -> Deployment:
    state = "succeeded" if build.ready else "running" if build.state in UNDER_WAY else "failed"
    reason = build.why or build.state.lower() if state == "failed" else "never had the domains" if build.staged else ""
    kind = "restart" if build.again and (before is None or build.origin in {before.id, before.root, ""}) else "deploy"
    reason = "" if state == "running" else reason
    left = before.id if before else ""
    return Deployment(build.id, build.id, kind, state, build.created_at, build.ready_at, left, reason, build.names)


def _moved(move: Move, names: Mapping[str, tuple[str, ...]]) -> Deployment:
    state = JOBS.get(move.status, "failed")
    kind = "rollback" if move.type == "rollback" else "deploy"
    why = f"Vercel calls it {move.status or 'nothing'}" if state == "failed" else ""
    called = names.get(move.to, ())
    id_ = f"{move.type}-{int(move.at.timestamp())}"
    return Deployment(id_, move.to, kind, state, move.at, None, move.origin, why, called)

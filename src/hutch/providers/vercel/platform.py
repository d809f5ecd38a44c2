"""What runs on Vercel, in the words that all platforms share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from hutch.model.finding import Change
from hutch.model.platform import Deployment, Instance, LogLine, LogQuery, Standing, brought
from hutch.ports import Unanswered
from hutch.providers.vercel.client import UNDER_WAY, Build, Client, Move, State
from hutch.providers.vercel.logs import search
from hutch.providers.vercel.tier import tier_of
from hutch.remote import Refused, answered

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
        newer, before = await around(self.client.builds(state), running, state.move)
        busy = any(b.state in UNDER_WAY for b in newer) or bool(state.move and state.move.going_on)
        instance = Instance(running.id, running.id, running.state.lower(), running.ready, 0, running.created_at)
        return Standing(running.id, before.id if before else "", busy, (instance,), _sizes(state))

    async def _deployments(self) -> list[Deployment]:
        state = await self.client.state()
        found: list[Build] = []
        async for build in self.client.builds(state):
            found.append(build)
            if len(found) == MOST_DEPLOYMENTS:
                break
        return told(found[::-1], state)


def _sizes(state: State) -> Mapping[str, float]:
    """How large the functions are. Nothing where Vercel does not say: they run all the same."""
    try:
        return tier_of(state.resources).sizes
    except Refused:
        return {}


async def around(builds: AsyncIterator[Build], running: Build, move: Move | None) -> tuple[list[Build], Build | None]:
    """The deployments newer than the running one, and the one that ran before it: not another build of the same.

    What ran when the domains were last moved, Vercel tells: of what was built until then, that one alone had them.
    """
    newer: list[Build] = []
    root = running.root
    until, sought = _before(running, move)
    async for build in builds:
        if build.id == running.id:
            root = build.root
        elif build.created_at > running.created_at:
            newer.append(build)
        elif sought and until and build.created_at <= until and build.id != sought:
            continue
        else:
            sought = sought if until and build.created_at > until else ""
            if build.ran and build.candidate and build.root != root:
                return newer, build
    return newer, None


def _before(running: Build, move: Move | None) -> tuple[datetime | None, str]:
    """Until when built deployments are passed over, and the first that is not: it had the domains before the last
    move where that led to what runs now, or got them by it where what runs was built later."""
    if not _made(move):
        return None, ""
    if move.to == running.id:
        return (move.at, move.origin) if move.type == "promote" else (None, "")
    return (move.at, move.to) if running.created_at > move.at else (None, "")


def _made(move: Move | None) -> TypeGuard[Move]:
    """Whether the domains were moved."""
    return bool(move and move.to and move.type in {"rollback", "promote"} and JOBS.get(move.status) == "succeeded")


def told(builds: Sequence[Build], state: State) -> list[Deployment]:
    """Each deployment with the one that ran before it, oldest first, and the last move of the domains in its place."""
    found: list[Deployment] = []
    before: Build | None = None
    ahead = state.move if _made(state.move) else None
    for build in builds:
        if ahead and build.created_at > ahead.at:
            before, ahead = next((b for b in builds if b.id == ahead.to), None), None
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

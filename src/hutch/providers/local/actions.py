"""The changes of what runs on a local platform: roll back, scale. Each verified by what then runs."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.local.client import Client, PlatformStatus
from hutch.providers.local.config import MAX_REPLICAS
from hutch.providers.local.doing import all_ready, judged, number, said_of, text
from hutch.remote import Args, applied, previewed


@dataclass(frozen=True, slots=True)
class Rollback:
    """``deploy.rollback``: run release ``to`` instead of the current one.

    With ``from`` it applies only while that release still runs: what was approved was leaving it.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which release to which, and the replicas that are replaced one by one."""
        to, status, known = text(args, "to"), await self.client.status(), await self.client.releases()
        refused = _refused(to, text(args, "from"), status, known)
        if refused:
            return Preview(f"roll back to {to or 'a release'}", 0, refused=refused)
        if status.release == to:
            return Preview(f"release {to} runs already: nothing to do", 0)
        count = len(status.replicas)
        return Preview(
            f"roll back from release {status.release} to {to}: {count} replicas are replaced, new ones first",
            count,
            tuple(str(replica) for replica in status.replicas),
            f"deploy release {status.release} again",
        )

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Roll back, and answer once the release runs."""
        to, status = text(args, "to"), await self.client.status()
        if status.release == to and not status.busy:
            return Outcome(Result.DONE, f"release {to} runs already: nothing was done")
        refused = _refused(to, text(args, "from"), status)
        if refused:
            return Outcome(Result.FAILED, refused)
        await self.client.change("/rollback", {"to": to})
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": status.release, "from": to}}
        said = f"rolled back from release {status.release} to {to}"
        return Outcome(Result.DONE, said, hits=len(status.replicas), undo=undo)

    async def verify(self, args: Args) -> Verification:
        """Passed when ``to`` runs and all its replicas serve."""
        return await judged(self.client, args, self._judge)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        to = text(args, "to")
        if status.release != to:
            return said_of(Verified.FAILED, f"release {status.release} runs, not {to or 'a named one'}", status)
        return all_ready(status, f"release {to} runs")


@dataclass(frozen=True, slots=True)
class Scale:
    """``service.scale``: run ``replicas`` replicas, each with a pool of ``pool_size`` connections if given.

    With ``from`` it applies only while that many replicas run: what was approved was leaving that number.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """How many run now and how many will."""
        wanted, pool, status = number(args, "replicas"), number(args, "pool_size"), await self.client.status()
        refused = _not_scaled(args, status)
        if refused or wanted is None:
            return Preview("scale", 0, refused=refused)
        now = len(status.replicas)
        anew = pool not in (None, status.pool_size)
        hits = max(now, wanted) if anew else abs(wanted - now)
        pools = f", connections of each from {status.pool_size} to {pool}" if anew else ""
        undo = f"scale back to {now} replicas with {status.pool_size} connections each"
        return Preview(f"scale from {now} to {wanted} replicas{pools}", hits, tuple(map(str, status.replicas)), undo)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Scale, and answer once the replicas serve."""
        wanted, pool, status = number(args, "replicas"), number(args, "pool_size"), await self.client.status()
        refused = _not_scaled(args, status)
        if refused or wanted is None:
            return Outcome(Result.FAILED, refused)
        now = len(status.replicas)
        await self.client.change("/scale", {"replicas": wanted, "pool_size": pool})
        back = {"replicas": now, "pool_size": status.pool_size}
        undo: dict[str, object] = {"action": "service.scale", "args": back}
        return Outcome(Result.DONE, f"scaled from {now} to {wanted} replicas", hits=abs(wanted - now), undo=undo)

    async def verify(self, args: Args) -> Verification:
        """Passed when as many replicas serve, with that pool."""
        return await judged(self.client, args, self._judge)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        wanted, pool, now = number(args, "replicas"), number(args, "pool_size"), len(status.replicas)
        if now != wanted or pool not in (None, status.pool_size):
            return said_of(Verified.FAILED, f"{now} replicas with {status.pool_size} connections each run", status)
        return all_ready(status, f"{now} replicas run")


def _not_scaled(args: Args, status: PlatformStatus) -> str:
    """Why it must not be scaled, or nothing."""
    wanted, left, now = number(args, "replicas"), number(args, "from"), len(status.replicas)
    if wanted is None or not 1 <= wanted <= MAX_REPLICAS:
        return f"say how many replicas: replicas from 1 to {MAX_REPLICAS}"
    if left is not None and now not in {left, wanted}:
        return f"{now} replicas run now, not {left}: look again before changing anything"
    return ""


def _refused(to: str, left: str, status: PlatformStatus, known: list[str] | None = None) -> str:
    """Why the roll-back must not run, or nothing."""
    if not to:
        hint = f"; the one before {status.release} is {status.previous}" if status.previous else ""
        return f"say which release to run: to{hint}"
    if known is not None and to not in known:
        return f"there is no release {to}; there are: {', '.join(known)}"
    if left and status.release not in {left, to}:
        return f"release {status.release} runs now, not {left}: look again before changing anything"
    return ""

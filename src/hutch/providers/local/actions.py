"""Rolling back what runs on a local platform, verified by what then runs."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.local.client import Client, PlatformStatus
from hutch.providers.local.doing import all_ready, judged, said_of, text
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

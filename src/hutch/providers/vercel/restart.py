"""``service.restart``: the same source is built again and put into production."""

from __future__ import annotations

from dataclasses import dataclass, field

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.vercel.client import UNDER_WAY, Build, Client, State
from hutch.providers.vercel.doing import judged, waited
from hutch.remote import Args, applied, begun_after, previewed, verified, word_of


@dataclass(frozen=True, slots=True)
class Restart:
    """Vercel has no processes to restart: the production deployment is built anew, with the settings of now. Where the
    project was rolled back, the new one is promoted, since it gets no domain by itself."""

    client: Client
    effect: Effect = Effect.CHANGE
    made: dict[str, str] = field(default_factory=dict)
    """The deployment that we asked for."""

    @previewed
    async def preview(self, args: Args) -> Preview:
        """What is built again."""
        refused = _component(args)
        if refused:
            return Preview("redeploy", 0, refused=refused)
        state = await self.client.state()
        then = (
            "and it is promoted: the project gives new ones no domain" if state.pinned else "then it gets the domains"
        )
        words = f"redeploy {state.running.id}: Vercel builds it again, with the settings and secrets of now; {then}"
        return Preview(words, 1, (str(state),), f"roll back to {state.running.id}")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when the new deployment has the domains, or after ``rollout`` seconds."""
        refused = _component(args)
        if refused:
            return Outcome(Result.FAILED, refused)
        state = await self.client.state()
        self.made.clear()  # what was asked for before says nothing of this one
        before = await self.client.build(state.running.id)
        made = await self.client.redeploy(before)
        self.made["id"] = made.id
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": before.id, "from": made.id}}
        asked, promoted = f"Vercel was asked to build {before.id} again, as {made.id}", False

        async def judge(later: State) -> Verification:
            nonlocal promoted
            build = await self.client.build(made.id)
            if later.pinned and build.ready and not promoted and _elsewhere(later, build):
                promoted = True
                await self.client.move("promote", later, build.id)
                return judged(Verified.PENDING, f"{build.id} is built, and is promoted", later)
            found = serves(later, build)
            waits = promoted and found.verdict is Verified.FAILED and build.ready
            return judged(Verified.PENDING, f"{build.id} is being promoted", later) if waits else found

        return Outcome(Result.DONE, await waited(self.client, asked, judge), hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when a deployment that was built again since then has the production domains."""
        since, state = begun_after(args), await self.client.state()
        if self.made.get("id"):
            return serves(state, await self.client.build(self.made["id"]))
        if since is None:
            return judged(Verified.UNKNOWN, "it can't be told whether this deployment was asked for by us", state)
        async for build in self.client.builds(state):
            if build.created_at <= since:
                break
            if build.again:
                return serves(state, build)
        return judged(Verified.FAILED, "nothing was built again since then", state)


def serves(state: State, build: Build) -> Verification:
    """Passed when that deployment has the domains; failed where it could not be built, or got none."""
    if build.state in UNDER_WAY:
        return judged(Verified.PENDING, f"{build.id} is {build.state.lower()}", state)
    if not build.ready:
        return judged(Verified.FAILED, f"{build.id} is {build.state.lower()}: {build.why or 'no reason given'}", state)
    if not _elsewhere(state, build):
        return judged(Verified.PASSED, f"{build.id} has the production domains", state)
    if not state.pinned:
        return judged(Verified.PENDING, f"{build.id} is ready, and gets the domains", state)
    return judged(Verified.FAILED, f"{build.id} is ready and has no domain: `hutch deploy rollback {build.id}`", state)


def _elsewhere(state: State, build: Build) -> bool:
    return state.production is None or state.production.id != build.id


def _component(args: Args) -> str:
    named = word_of(args, "component")
    return f"there is no component {named} on Vercel" if named not in {"", "service"} else ""

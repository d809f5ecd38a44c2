"""``deploy.rollback``: another deployment gets the production domains. Nothing is built."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.vercel.client import Build, Client, State
from hutch.providers.vercel.doing import judged, waited
from hutch.remote import Args, applied, previewed, verified, word_of


@dataclass(frozen=True, slots=True)
class Rollback:
    """Point the domains at ``to`` (an id, or a deployment's own host): back by Vercel's instant rollback, forward by
    its promotion. With ``from`` it applies only while that deployment has them."""

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which deployment to which, and what that means for those to come."""
        state, to = await self.client.state(), await self._to(args)
        if to and state.running.id == to.id:
            return Preview(f"{to.id} has the production domains already: nothing to do", 0)
        refused = refusal(args, state, to)
        if refused or to is None:
            return Preview(f"roll back to {to.id if to else 'a deployment'}", 0, refused=refused)
        back = way(state, to) == "rollback"
        what, then = (
            ("roll back", "new deployments get no domain until one is promoted")
            if back
            else ("promote", "new deployments get the domains again")
        )
        words = f"{what} from {state.running.id} to {to.id}: every production domain; nothing is built; {then}"
        undo = f"{'promote' if back else 'roll back to'} {state.running.id} again"
        return Preview(words, 1, (str(state), f"to: {to}"), undo)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when the domains are there, or after ``rollout`` seconds."""
        state, to = await self.client.state(), await self._to(args)
        if to and state.running.id == to.id:
            return Outcome(Result.DONE, f"{to.id} has the production domains already: nothing was done")
        refused = refusal(args, state, to)
        if refused or to is None:
            return Outcome(Result.FAILED, refused)
        await self.client.move(way(state, to), state, to.id)
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": state.running.id, "from": to.id}}
        asked, wanted = f"Vercel was asked to go from {state.running.id} to {to.id}", to.id

        async def judge(later: State) -> Verification:
            return arrived(later, wanted)

        return Outcome(Result.DONE, await waited(self.client, asked, judge), hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when ``to`` has the production domains, and no move of them goes on."""
        wanted = word_of(args, "to")
        to = wanted if wanted.startswith("dpl_") or not wanted else (await self.client.build(wanted)).id
        return arrived(await self.client.state(), to)

    async def _to(self, args: Args) -> Build | None:
        wanted = word_of(args, "to")
        return await self.client.build(wanted) if wanted else None


def way(state: State, to: Build) -> str:
    """How Vercel gets there: a roll-back leads to what was built earlier, a promotion to what was built later."""
    return "rollback" if to.created_at < state.running.created_at else "promote"


def refusal(args: Args, state: State, to: Build | None) -> str:
    """Why it must not be, or nothing."""
    left = word_of(args, "from")
    if to is None:
        return "say which deployment to go to: to, as `hutch deploy list` names it"
    if to.target != "production":
        return f"{to.id} was built for {to.target or 'a preview'}: it has other settings and secrets than production"
    if not to.ready:
        return f"{to.id} is {to.state.lower()}: it cannot serve"
    if left and left not in {state.running.id, state.running.url}:
        return f"{state.running.id} has the production domains now, not {left}: look again"
    if state.move and state.move.going_on:
        return f"a {state.move.type} to {state.move.to} goes on: wait for it"
    return ""


def arrived(state: State, to: str) -> Verification:
    """Passed once ``to`` has the domains; failed where Vercel could not take every domain along."""
    move, running = state.move, state.production.id if state.production else "no deployment"
    ours = move if move and move.to == to else None
    if ours and ours.status == "failed":
        return judged(Verified.FAILED, f"Vercel could not point every domain at {to}", state)
    if ours and ours.going_on:
        return judged(Verified.PENDING, f"the domains go to {to}", state)
    if running != to:
        return judged(Verified.FAILED, f"{running} has the production domains, not {to or 'a named one'}", state)
    return judged(Verified.PASSED, f"{to} has the production domains", state)

"""The changes of a Railway service: an earlier deployment again, or the same one anew. Each makes a new deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.railway.client import Client, Deployed, State
from hutch.providers.railway.doing import waited
from hutch.remote import Args, applied, begun_after, previewed, verified, word_of


@dataclass(frozen=True, slots=True)
class Rollback:
    """``deploy.rollback``: deploy the image and the variables of ``to`` (an id) again. With ``from`` it applies only
    while that deployment serves."""

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which deployment to which."""
        state, to = await self.client.state(), await self._to(args)
        if to and state.live.id == to.id:
            return Preview(f"{to.id} serves already: nothing to do", 0)
        refused = refusal(args, state, to)
        if refused or to is None:
            return Preview(f"roll back to {to.id if to else 'a deployment'}", 0, refused=refused)
        words = f"roll back from {state.live.id} to {to.id}: Railway deploys its image and variables again"
        return Preview(words, 1, (str(state), f"to: {to}"), f"roll back to {state.live.id}")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when the new deployment serves, or after ``rollout`` seconds."""
        state, to = await self.client.state(), await self._to(args)
        if to and state.live.id == to.id:
            return Outcome(Result.DONE, f"{to.id} serves already: nothing was done")
        refused = refusal(args, state, to)
        if refused or to is None:
            return Outcome(Result.FAILED, refused)
        await self.client.roll_back(to.id)
        left, wanted, made = state.live.id, to, {"from": ""}

        def judge(later: State) -> Verification:
            found = arrived(later, wanted, left)
            made["from"] = later.live.id if found.verdict is Verified.PASSED else ""
            return found

        asked = f"Railway was asked to go from {left} back to {to.id}"
        said = await waited(self.client, asked, judge)
        back = {"to": left, **({"from": made["from"]} if made["from"] else {})}
        return Outcome(Result.DONE, said, hits=1, undo={"action": "deploy.rollback", "args": back})

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when a deployment of the source of ``to`` serves, that is not the one that was left."""
        to = await self._to(args)
        if to is None:
            return Verification(Verified.FAILED, "it is not said which deployment to go to")
        return arrived(await self.client.state(), to, word_of(args, "from"))

    async def _to(self, args: Args) -> Deployed | None:
        wanted = word_of(args, "to")
        return await self.client.one(wanted) if wanted else None


@dataclass(frozen=True, slots=True)
class Restart:
    """``service.restart``: the deployment that serves is deployed again, so that a later look can tell."""

    client: Client
    effect: Effect = Effect.CHANGE
    made: dict[str, str] = field(default_factory=dict)
    """The deployment that we asked for, and the one that served before."""

    @previewed
    async def preview(self, args: Args) -> Preview:
        """What is deployed again."""
        state = await self.client.state()
        if word_of(args, "component") not in {"", "service"}:
            return Preview("redeploy", 0, refused=f"there is no component {args['component']} on Railway")
        if state.busy:
            return Preview("redeploy", 0, refused="a deployment goes on: wait for it")
        words = f"redeploy {state.live.id}: Railway makes a new deployment of the same source"
        return Preview(words, 1, (str(state),), f"roll back to {state.live.id}")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when the new deployment serves, or after ``rollout`` seconds."""
        if word_of(args, "component") not in {"", "service"}:
            return Outcome(Result.FAILED, f"there is no component {args['component']} on Railway")
        state = await self.client.state()
        if state.busy:
            return Outcome(Result.FAILED, "a deployment goes on: wait for it")
        left = state.live
        self.made.clear()  # what was asked for before says nothing of this one
        self.made["left"] = left.id
        made = self.made["id"] = await self.client.redeploy(left.id)
        said = await waited(self.client, f"Railway was asked to deploy {left.id} again", lambda s: serves(s, made))
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": left.id, "from": made}}
        return Outcome(Result.DONE, said, hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when a deployment of the same source, begun since then, serves."""
        return redeployed(await self.client.state(), self.made, args)


def refusal(args: Args, state: State, to: Deployed | None) -> str:
    """Why it must not be, or nothing."""
    left = word_of(args, "from")
    if to is None:
        return "say which deployment to go to: to, as `hutch deploy list` names it"
    if not to.can_roll_back:
        return f"Railway cannot go back to {to.id}: it is {to.status.lower()}, or its image is no longer kept"
    if left and left != state.live.id:
        return f"{state.live.id} serves now, not {left}: look again"
    return "a deployment goes on: wait for it" if state.busy else ""


def arrived(state: State, to: Deployed, left: str) -> Verification:
    """Passed once a deployment of that source serves and is not the one that was left; Railway gives it a new id."""
    new = next((d for d in state.newer if d.source == to.source), None)
    if new and new.under_way:
        return _said(Verified.PENDING, f"{new.id} is {new.status.lower()}", state)
    if state.live.source == to.source and state.live.id != left:
        return _serving(state, state.live)
    if new:
        return _said(Verified.FAILED, f"{new.id} is {new.status.lower()}, {state.live.id} serves", state)
    return _said(Verified.FAILED, f"{state.live.id} serves, not what {to.id} is of", state)


def redeployed(state: State, made: Mapping[str, str], args: Args) -> Verification:
    """Passed when what we ``made`` serves: the deployment that was asked for, else one that was begun since then."""
    since = begun_after(args)
    if made.get("id"):
        return serves(state, made["id"])
    if since is None:
        return _said(Verified.UNKNOWN, "it can't be told whether this deployment was asked for by us", state)
    begun = (d for d in (*state.newer, state.live) if d.created_at > since)
    new = next((d for d in begun if d.id != made.get("left")), None)
    return serves(state, new.id) if new else _said(Verified.FAILED, "nothing was deployed since then", state)


def serves(state: State, wanted: str) -> Verification:
    """Passed when that very deployment serves."""
    new = next((d for d in state.newer if d.id == wanted), None)
    if new:
        verdict = Verified.PENDING if new.under_way else Verified.FAILED
        return _said(verdict, f"{new.id} is {new.status.lower()}", state)
    if state.live.id != wanted:
        return _said(Verified.FAILED, f"{state.live.id} serves, not {wanted}", state)
    return _serving(state, state.live)


def _serving(state: State, live: Deployed) -> Verification:
    if live.status == "CRASHED":
        return _said(Verified.FAILED, f"{live.id} has crashed", state)
    return _said(Verified.PASSED, f"{live.id} serves", state)


def _said(verdict: Verified, summary: str, state: State) -> Verification:
    return Verification(verdict, summary, (str(state),))

"""``service.restart``: the same source is built again and put into production."""

from __future__ import annotations

from dataclasses import dataclass, field

from hutch.model.action import Outcome, Preview, Result, Verification
from hutch.model.effect import Effect
from hutch.providers.vercel.again import built_again, put_out, then
from hutch.providers.vercel.client import Client
from hutch.remote import Args, applied, previewed, verified, word_of


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
        what = f"redeploy {state.running.id}: Vercel builds it again, with the settings and secrets of now"
        words = f"{what}; {then(state)}"
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
        asked = f"Vercel was asked to build {before.id} again, as {made.id}"
        return Outcome(Result.DONE, await put_out(self.client, asked, made.id), hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when a deployment that was built again since then has the production domains."""
        return await built_again(self.client, self.made, args)


def _component(args: Args) -> str:
    named = word_of(args, "component")
    return f"there is no component {named} on Vercel" if named not in {"", "service"} else ""

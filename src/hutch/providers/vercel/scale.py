"""``service.scale`` on Vercel: functions of another size. How many run is Vercel's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.vercel.again import built_again, put_out, then
from hutch.providers.vercel.client import Client, State
from hutch.providers.vercel.doing import judged
from hutch.providers.vercel.tier import Tier, said, set_tier, tier_of, unknown, wanted
from hutch.remote import LOOKS, Args, Refused, Silent, applied, asked_once, previewed, verified


@dataclass(frozen=True, slots=True)
class Scale:
    """Functions of ``memory_gb``, or of the size that Vercel calls ``tier``. With ``from`` it applies only while they
    are of that one."""

    client: Client
    effect: Effect = Effect.CHANGE
    made: dict[str, str] = field(default_factory=dict)
    """The deployment that we asked for."""

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which size to which, what is built, and how far the way back leads."""
        state, now = await self._look()
        refused = refusal(args, state, now)
        if refused:
            return Preview("scale", 0, refused=refused)
        to = wanted(args)
        if to == now.name:
            return Preview(f"{_already(now)}: nothing to do", 0)
        words = f"functions from {now} to {said(to)}: the project says so, and {state.running.id} is built again"
        undo = f"{now.name} again, and another build{_kept(now)}"
        return Preview(f"{words}; {then(state)}", 1, (str(state),), undo)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Set it and build, once each, and answer when the new build has the domains, or after ``rollout`` seconds."""
        state, now = await self._look()
        refused = refusal(args, state, now)
        if refused:
            return Outcome(Result.FAILED, refused)
        to = wanted(args)
        if to == now.name:
            return Outcome(Result.DONE, f"{_already(now)}: nothing was done")
        newest = await self.client.newest(state)
        self.made.clear()  # what was asked for before says nothing of this one
        await self._set(state, to)
        asked = f"Vercel was asked for functions of {said(to)} instead of {now}"
        undo: dict[str, object] = {"action": "service.scale", "args": {"tier": now.name, "from": to}}
        told = await self._built(asked, state, newest)
        return Outcome(Result.DONE, f"{told}{_kept(now)}", hits=1, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when the project says so, and what was built again since then has the production domains."""
        state, now = await self._look()
        if now.name != wanted(args):
            return judged(Verified.FAILED, f"the functions are of {now}", state)
        found = await built_again(self.client, self.made, args)
        return replace(found, summary=f"the functions are of {now}; {found.summary}")

    async def _look(self) -> tuple[State, Tier]:
        state = await self.client.state()
        return state, tier_of(state.resources)

    async def _set(self, state: State, to: str) -> None:
        config = self.client.config

        async def there() -> bool:
            return (await self._look())[1].name == to

        await asked_once(lambda: set_tier(config, state, to), there, config.look_every)

    async def _built(self, asked: str, state: State, newest: str) -> str:
        """Build again, once; where the answer is lost, the build that is there and was not before is ours."""
        try:
            before = await self.client.build(state.running.id)
            self.made["id"] = (await self.client.redeploy(before)).id
        except (Refused, Silent) as error:
            lost = isinstance(error, Silent) and error.sent
            self.made["id"] = await self._lost(state, newest) if lost else ""
            if not self.made["id"]:
                return f"{asked}, which holds from the next build on, and none was begun: {error}"
        return await put_out(self.client, f"{asked}, and to build {state.running.id} again", self.made["id"])

    async def _lost(self, state: State, newest: str) -> str:
        for _ in range(LOOKS):
            with suppress(Refused, Silent):
                async for build in self.client.builds(state):
                    if build.id == newest:
                        break
                    if build.again:
                        return build.id
            await asyncio.sleep(self.client.config.look_every)
        return ""


def refusal(args: Args, state: State, now: Tier) -> str:
    """Why it must not be, or nothing."""
    number, left = (str(args.get(key) or "") for key in ("replicas", "from"))
    if not wanted(args):
        return unknown(args)
    if number not in {"", "1"}:
        return "how many functions run is Vercel's own: only their size is set"
    if left not in {"", "1", now.name}:
        return f"the functions are of {now} now, not of {left}: look again before changing anything"
    return f"a {state.move.type} to {state.move.to} goes on: wait for it" if state.move and state.move.going_on else ""


def _already(now: Tier) -> str:
    return f"the functions are of {now} already, in every build from now on"


def _kept(now: Tier) -> str:
    """What of the way back stays different."""
    return "" if now.own else f"; on the way back {now.name} stays a setting of the project's own, which it had not"

"""``service.scale`` on Railway by CPU and memory: other limits of each replica, and a deployment that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.providers.railway.actions import redeployed, serves
from hutch.providers.railway.client import Client, Deployed, State
from hutch.providers.railway.limits import (
    Limits,
    deployed_with,
    has,
    inherited,
    limits,
    not_a_size,
    set_limits,
    sizes_in,
)
from hutch.providers.railway.seen import Seen, look
from hutch.remote import Args, Refused, Silent, asked_once, waited


@dataclass(frozen=True, slots=True)
class Resize:
    """``vcpus`` and ``memory_gb``, or one of them. With ``from`` it applies only while as many replicas are wanted, or
    only while the limits are these."""

    client: Client
    made: dict[str, str] = field(default_factory=dict)
    """The deployment that we asked for, and the one that served before."""

    async def preview(self, args: Args) -> Preview:
        """From which limits to which, what is deployed, and how far the way back leads."""
        seen, now = await look(self.client), await limits(self.client.config)
        refused = refusal(args, seen, now)
        if refused:
            return Preview("scale", 0, refused=refused)
        wanted, plans = now.changed(sizes_in(args)), await inherited(self.client.config)
        if wanted.same(now):
            return Preview(f"{_already(now, seen.state.live, args, plans)}: nothing to do", 0)
        words = (
            f"limits of each replica from {now} to {wanted}: they are set, and Railway deploys {seen.state.live.id} "
            f"again with them"
        )
        return Preview(words, max(seen.wanted.total, 1), (str(seen),), f"set {now} again and deploy{_kept(plans)}")

    async def apply(self, args: Args) -> Outcome:
        """Set them and deploy, once each, and answer when the new deployment serves, or after ``rollout`` seconds."""
        seen, now = await look(self.client), await limits(self.client.config)
        refused = refusal(args, seen, now)
        if refused:
            return Outcome(Result.FAILED, refused)
        wanted, plans = now.changed(sizes_in(args)), await inherited(self.client.config)
        if wanted.same(now):
            return Outcome(Result.DONE, f"{_already(now, seen.state.live, args, plans)}: nothing was done")
        self.made.clear()  # what was asked for before says nothing of this one
        self.made["left"] = seen.state.live.id
        await self._set(wanted)
        asked = f"Railway was asked to go from {now} to {wanted}"
        told = await self._deployed(asked, seen.state, wanted.as_dict())
        back: dict[str, object] = {**now.as_dict(), "from": str(wanted)}
        undo: dict[str, object] = {"action": "service.scale", "args": back}
        said = f"{told}; the way back is {now}{_kept(plans)}" if plans else told
        return Outcome(Result.DONE, said, hits=max(seen.wanted.total, 1), undo=undo)

    async def verify(self, args: Args) -> Verification:
        """Passed when the limits are these, and what serves, with every replica, was deployed with them: as Railway
        tells of it, else since it was begun since then."""
        seen, now = await look(self.client), await limits(self.client.config)
        wanted = now.changed(sizes_in(args))
        if not_a_size(args) or not wanted.same(now):
            return Verification(Verified.FAILED, f"the limits are {now}, not {wanted}", (str(seen),))
        found = _complete(self._serves(seen.state, args), seen, sizes_in(args))
        return replace(found, summary=f"the limits are {now}; {found.summary}")

    def _serves(self, state: State, args: Args) -> Verification:
        known = not self.made.get("id") and not state.busy and has(state.live, sizes_in(args)) is not None
        return serves(state, state.live.id) if known else redeployed(state, self.made, args)

    async def _set(self, wanted: Limits) -> None:
        config = self.client.config

        async def there() -> bool:
            return wanted.same(await limits(config))

        await asked_once(lambda: set_limits(config, wanted), there, config.look_every)

    async def _deployed(self, asked: str, before: State, sizes: Mapping[str, float]) -> str:
        """Deploy, once; where the answer is lost, the deployment that is there and was not before is ours."""
        known = {d.id for d in (before.live, *before.newer)}
        try:
            self.made["id"] = await self.client.redeploy(before.live.id)
        except (Refused, Silent) as error:
            if isinstance(error, Refused) or not error.sent:
                return f"{asked}, which holds from the next deployment on, and none was made: {error}"

        async def judged(seen: Seen) -> Verification:
            new = (d.id for d in (*seen.state.newer[::-1], seen.state.live) if d.id not in known)
            if not self.made.get("id"):
                self.made["id"] = next(new, "")
            if not self.made["id"]:
                return Verification(Verified.FAILED, "no deployment was made", (str(seen),))
            return _complete(serves(seen.state, self.made["id"]), seen, sizes)

        async def looked() -> Seen:
            return await look(self.client)

        return await waited(asked, looked, judged, self.client.config.rollout, self.client.config.look_every)


def refusal(args: Args, seen: Seen, now: Limits) -> str:
    """Why it must not be, or nothing."""
    total, left, number = (str(value or "") for value in (seen.wanted.total, args.get("from"), args.get("replicas")))
    if not_a_size(args):
        return not_a_size(args)
    if number and number != total:
        return "set the number and the limits one after the other: each has a way back of its own"
    if left.isdigit() and left != total:
        return f"{total} replicas are wanted now, not {left}: look again before changing anything"
    if left and not left.isdigit() and left != str(now):
        return f"the limits are {now} now, not {left}: look again before changing anything"
    return "a deployment goes on: wait for it" if seen.state.busy else ""


def _already(now: Limits, live: Deployed, args: Args, plans: tuple[str, ...]) -> str:
    """That they are so; and where the service has them of its own, whether what serves was deployed without."""
    own = {name: size for name, size in sizes_in(args).items() if name not in plans}
    late = "; what serves was deployed with others, `hutch service restart` deploys it again"
    return f"the limits are {now} already, for every deployment from now on" + late * (has(live, own) is False)


def _kept(plans: tuple[str, ...]) -> str:
    """What of the way back stays different: a limit that was the plan's is one of the service's own from then on."""
    return f"; {' and '.join(plans)} then stay limits of the service's own, equal to the plan's of now" * bool(plans)


def _complete(found: Verification, seen: Seen, sizes: Mapping[str, float]) -> Verification:
    """A deployment that serves has the limits, and every replica, but for one that sleeps until it is asked."""
    live = seen.state.live
    if found.verdict is not Verified.PASSED:
        return found
    if has(live, sizes) is False:
        own = deployed_with(live) or "none of its own"
        said = f"{found.summary}, and was deployed with other limits ({own}): a file of the repository may set them"
        return Verification(Verified.FAILED, said, (str(seen),))
    if live.status == "SLEEPING" or seen.running == seen.wanted.total:
        return found
    said = f"{found.summary}, {seen.running} of {seen.wanted.total} replicas run"
    return Verification(Verified.PENDING, said, (str(seen),))

"""``service.scale`` on Railway: another number of replicas in one region, or other limits of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.railway.client import Client
from hutch.providers.railway.limits import SIZES
from hutch.providers.railway.replicas import Wanted, set_number
from hutch.providers.railway.resize import Resize
from hutch.providers.railway.seen import Seen, look
from hutch.remote import Args, Refused, applied, previewed, verified, waited, word_of


@dataclass(frozen=True, slots=True)
class Scale:
    """``replicas`` in ``region``, which may be left out where there is only one. With ``from`` it applies only while so
    many are wanted there. Or the limits of each replica: see :class:`Resize`."""

    client: Client
    effect: Effect = Effect.CHANGE
    resize: Resize = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resize", Resize(self.client))

    @previewed
    async def preview(self, args: Args) -> Preview:
        """How many are wanted now and how many will be, or from which limits to which."""
        if _sized(args):
            return await self.resize.preview(args)
        seen, number = await self._look(), _number(args, "replicas")
        refused = self._refused(args, seen)
        if refused or number is None:
            return Preview("scale", 0, refused=refused)
        region = region_of(args, seen.wanted)
        now = seen.wanted.of(region)
        words = f"scale from {now} to {number} replicas in {region}: Railway deploys the service again"
        return Preview(words, abs(number - now), (str(seen),), f"scale back to {now}")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when it is so, or after ``rollout`` seconds."""
        if _sized(args):
            return await self.resize.apply(args)
        seen, number = await self._look(), _number(args, "replicas")
        refused = self._refused(args, seen)
        if refused or number is None:
            return Outcome(Result.FAILED, refused)
        region = region_of(args, seen.wanted)
        now = seen.wanted.of(region)
        if now == number:
            return Outcome(Result.DONE, f"{number} replicas are wanted in {region} already: nothing was done")
        await set_number(self.client.config, seen.wanted, region, number)
        told = await self._waited(f"Railway was asked to go from {now} to {number} replicas in {region}", args)
        back: dict[str, object] = {"replicas": now, "from": number, "region": region}
        return Outcome(Result.DONE, told, hits=abs(number - now), undo={"action": "service.scale", "args": back})

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when as many are wanted there, and all that are wanted run; of limits, when what serves has them."""
        if _sized(args):
            return await self.resize.verify(args)
        return self._judge(args, await self._look())

    async def _waited(self, asked: str, args: Args) -> str:
        async def judged(seen: Seen) -> Verification:
            return self._judge(args, seen)

        config = self.client.config
        return await waited(asked, self._look, judged, config.rollout, config.look_every)

    async def _look(self) -> Seen:
        return await look(self.client)

    def _judge(self, args: Args, seen: Seen) -> Verification:
        number, region = _number(args, "replicas"), region_of(args, seen.wanted)
        if seen.wanted.of(region) != number:
            verdict, told = Verified.FAILED, f"{seen.wanted.of(region)} are wanted in {region}, not {number}"
        elif seen.state.live.status == "CRASHED":
            verdict, told = Verified.FAILED, f"{seen.state.live.id} has crashed"
        elif seen.state.busy:
            verdict, told = Verified.PENDING, f"a deployment goes on, {seen.running} replicas run"
        elif seen.running != seen.wanted.total:
            given_up = next((d.id for d in seen.state.newer if d.status == "FAILED"), "")
            verdict = Verified.FAILED if given_up else Verified.PENDING
            told = f"{seen.running} of {seen.wanted.total} replicas run" + (f"; {given_up} failed" * bool(given_up))
        else:
            verdict, told = Verified.PASSED, f"{seen.running} replicas run, {number} are wanted in {region}"
        return Verification(verdict, told, (str(seen),))

    def _refused(self, args: Args, seen: Seen) -> str:
        number, left, most = _number(args, "replicas"), _number(args, "from"), self.client.config.max_replicas
        now = seen.wanted.of(region_of(args, seen.wanted))
        if number is None or not 1 <= number <= most:
            how_large = ", ".join(SIZES)
            return f"say how many: replicas from 1 to {most} (the setting max_replicas), or how large: {how_large}"
        if left is not None and now not in {left, number}:
            return f"{now} replicas are wanted now, not {left}: look again before changing anything"
        return "a deployment goes on: wait for it" if seen.state.busy else ""


def _sized(args: Args) -> bool:
    return any(name in args for name in SIZES)


def region_of(args: Args, found: Wanted) -> str:
    """The region that is meant. :class:`Refused` where it is not said which of several, or it has no replica."""
    given = word_of(args, "region")
    if given and given not in found.regions:
        raise Refused(f"the service is not in the region {given}; it is in {', '.join(found.regions)}")
    if not given and len(found.regions) > 1:
        raise Refused(f"say in which region: {', '.join(found.regions)}")
    return given or next(iter(found.regions))


def _number(args: Args, key: str) -> int | None:
    text = str(args.get(key, ""))
    return int(text) if text.isascii() and text.isdigit() else None

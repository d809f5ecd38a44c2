"""More, fewer, larger or smaller replicas on a local platform, verified by what then runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.local.client import Client, PlatformStatus
from hutch.providers.local.config import BOUNDS, MAX_REPLICAS
from hutch.providers.local.doing import all_ready, judged, number, said_of
from hutch.remote import Args, applied, previewed

WORDS = {"pool_size": "connections of each", "cache_seconds": "seconds in the cache"}


@dataclass(frozen=True, slots=True)
class Scale:
    """``service.scale``: run ``replicas`` replicas, each with a pool of ``pool_size`` connections and keeping in the
    cache for ``cache_seconds`` what everybody may see. What is not given stays.

    With ``from`` it applies only while that many replicas run: what was approved was leaving that number.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """How many run now and how many will, and which sizes change from what to what."""
        status = await self.client.status()
        refused = _not_scaled(args, status)
        if refused:
            return Preview("scale", 0, refused=refused)
        now, wanted = len(status.replicas), _replicas(args, status)
        anew = _anew(args, status)
        hits = max(now, wanted) if anew else abs(wanted - now)
        undo = f"scale back to {now} replicas with {_sized(status.sizes)}"
        return Preview(_said(args, status), hits, tuple(map(str, status.replicas)), undo)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Scale, and answer once the replicas serve."""
        status = await self.client.status()
        refused = _not_scaled(args, status)
        if refused:
            return Outcome(Result.FAILED, refused)
        now, wanted, anew = len(status.replicas), _replicas(args, status), _anew(args, status)
        await self.client.change("/scale", {"replicas": wanted, **_sizes(args)})
        undo: dict[str, object] = {"action": "service.scale", "args": {"replicas": now, **status.sizes}}
        hits = max(now, wanted) if anew else abs(wanted - now)
        return Outcome(Result.DONE, f"done: {_said(args, status)}", hits=hits, undo=undo)

    async def verify(self, args: Args) -> Verification:
        """Passed when as many replicas serve, with those sizes."""
        return await judged(self.client, args, self._judge)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        now = len(status.replicas)
        if now != _replicas(args, status) or _anew(args, status):
            return said_of(Verified.FAILED, f"{now} replicas with {_sized(status.sizes)} run", status)
        return all_ready(status, f"{now} replicas run, with {_sized(status.sizes)}")


def _replicas(args: Args, status: PlatformStatus) -> int:
    """As many as are wanted; where only a size is given, as many as there are."""
    wanted = number(args, "replicas")
    return len(status.replicas) if wanted is None else wanted


def _sizes(args: Args) -> dict[str, int]:
    found = ((name, number(args, name)) for name in BOUNDS)
    return {name: size for name, size in found if size is not None}


def _anew(args: Args, status: PlatformStatus) -> dict[str, int]:
    """The sizes that change: a replica has them from its start, so each is replaced."""
    return {name: size for name, size in _sizes(args).items() if size != status.sizes.get(name)}


def _said(args: Args, status: PlatformStatus) -> str:
    now, wanted = len(status.replicas), _replicas(args, status)
    told = [f"{WORDS[name]} from {status.sizes.get(name)} to {size}" for name, size in _anew(args, status).items()]
    if now == wanted and not told:
        return f"{now} replicas of that size run already: nothing to do"
    head = f"scale from {now} to {wanted} replicas" if now != wanted else f"replace {now} replicas"
    return ", ".join([head, *told])


def _sized(sizes: Mapping[str, int]) -> str:
    """``8 connections of each and 5 seconds in the cache``."""
    return " and ".join(f"{size} {WORDS[name]}" for name, size in sizes.items())


def _within(args: Args, name: str, low: int, high: int) -> bool:
    size = number(args, name)
    return size is not None and low <= size <= high


def _not_scaled(args: Args, status: PlatformStatus) -> str:
    """Why it must not be scaled, or nothing."""
    wanted, left, now = number(args, "replicas"), number(args, "from"), len(status.replicas)
    stays = "replicas" not in args and bool(_sizes(args))
    if not stays and (wanted is None or not 1 <= wanted <= MAX_REPLICAS):
        return f"say how many replicas: replicas from 1 to {MAX_REPLICAS}"
    wrong = next((name for name, bounds in BOUNDS.items() if name in args and not _within(args, name, *bounds)), "")
    if wrong:
        low, high = BOUNDS[wrong]
        return f"{wrong} must be a whole number from {low} to {high}, not {args[wrong]!r}"
    unknown = next((name for name in _sizes(args) if name not in status.sizes), "")
    if unknown:
        return f"the platform has no size {unknown}; it has: {', '.join(status.sizes)}"
    if left is not None and now not in {left, _replicas(args, status)}:
        return f"{now} replicas run now, not {left}: look again before changing anything"
    return ""

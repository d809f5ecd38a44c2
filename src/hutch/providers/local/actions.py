"""The changes that a local platform can make: roll back, restart, scale. Each verified by what then runs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import parse_instant
from hutch.providers.local.client import Client, PlatformRefused, PlatformSilent, PlatformStatus

MAX_REPLICAS = 8
"""The platform's own bound."""

Args = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rollback:
    """``deploy.rollback``: run release ``to`` instead of the current one.

    With ``from`` it applies only while that release still runs: what was approved was leaving it.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """From which release to which, and the replicas that are replaced one by one."""
        return await _previewed(self._preview, args)

    async def apply(self, args: Args) -> Outcome:
        """Roll back, and answer once the release runs."""
        return await _applied(self._apply, args)

    async def verify(self, args: Args) -> Verification:
        """Passed when ``to`` runs and all its replicas serve."""
        return await _verified(self.client, args, self._judge)

    async def _preview(self, args: Args) -> Preview:
        to, status, known = _text(args, "to"), await self.client.status(), await self.client.releases()
        refused = _refused(to, _text(args, "from"), status, known)
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

    async def _apply(self, args: Args) -> Outcome:
        to, status = _text(args, "to"), await self.client.status()
        if status.release == to and not status.busy:
            return Outcome(Result.DONE, f"release {to} runs already: nothing was done")
        refused = _refused(to, _text(args, "from"), status)
        if refused:
            return Outcome(Result.FAILED, refused)
        await self.client.change("/rollback", {"to": to})
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": status.release, "from": to}}
        said = f"rolled back from release {status.release} to {to}"
        return Outcome(Result.DONE, said, hits=len(status.replicas), undo=undo)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        to = _text(args, "to")
        if status.release != to:
            return _said(Verified.FAILED, f"release {status.release} runs, not {to or 'a named one'}", status)
        return _all_ready(status, f"release {to} runs")


@dataclass(frozen=True, slots=True)
class Restart:
    """``service.restart``: replace every replica by a new one of the same release, without a gap.

    ``since`` (ISO 8601, optional) is the moment after which all replicas must have begun; without it they must be
    younger than the setting ``fresh_within``.
    """

    client: Client
    now: Callable[[], datetime]
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """The replicas that are replaced."""
        return await _previewed(self._preview, args)

    async def apply(self, args: Args) -> Outcome:
        """Restart, and answer once the new replicas serve."""
        return await _applied(self._apply, args)

    async def verify(self, args: Args) -> Verification:
        """Passed when every replica serves and began after the restart was asked for."""
        return await _verified(self.client, args, self._judge)

    async def _preview(self, _args: Args) -> Preview:
        status = await self.client.status()
        items, count = tuple(str(replica) for replica in status.replicas), len(status.replicas)
        said = f"restart release {status.release}: {count} replicas are replaced, new ones first"
        return Preview(said, count, items, "none is needed: the same release runs")

    async def _apply(self, _args: Args) -> Outcome:
        count = len((await self.client.status()).replicas)
        await self.client.change("/restart", {})
        return Outcome(Result.DONE, f"{count} replicas were replaced", hits=count)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        oldest = min((r.started_at for r in status.replicas if r.started_at), default=None)
        since = _moment(args)
        if oldest is None:
            return _said(Verified.PENDING, "no replica runs yet", status)
        age = (self.now() - oldest).total_seconds()
        if oldest < since if since else age > self.client.config.fresh_within:
            return _said(Verified.FAILED, f"a replica has run for {age:.0f} s: it was not replaced", status)
        return _all_ready(status, f"every replica is at most {max(age, 0):.0f} s old")


@dataclass(frozen=True, slots=True)
class Scale:
    """``service.scale``: run ``replicas`` replicas, each with a pool of ``pool_size`` connections if given."""

    client: Client
    effect: Effect = Effect.CHANGE

    async def preview(self, args: Args) -> Preview:
        """How many run now and how many will."""
        return await _previewed(self._preview, args)

    async def apply(self, args: Args) -> Outcome:
        """Scale, and answer once the replicas serve."""
        return await _applied(self._apply, args)

    async def verify(self, args: Args) -> Verification:
        """Passed when as many replicas serve, with that pool."""
        return await _verified(self.client, args, self._judge)

    async def _preview(self, args: Args) -> Preview:
        wanted, pool = _number(args, "replicas"), _number(args, "pool_size")
        if wanted is None or not 1 <= wanted <= MAX_REPLICAS:
            return Preview("scale", 0, refused=f"say how many replicas: replicas from 1 to {MAX_REPLICAS}")
        status = await self.client.status()
        now = len(status.replicas)
        anew = pool not in (None, status.pool_size)
        hits = max(now, wanted) if anew else abs(wanted - now)
        pools = f", connections of each from {status.pool_size} to {pool}" if anew else ""
        undo = f"scale back to {now} replicas with {status.pool_size} connections each"
        return Preview(f"scale from {now} to {wanted} replicas{pools}", hits, tuple(map(str, status.replicas)), undo)

    async def _apply(self, args: Args) -> Outcome:
        wanted, pool, status = _number(args, "replicas"), _number(args, "pool_size"), await self.client.status()
        if wanted is None or not 1 <= wanted <= MAX_REPLICAS:
            return Outcome(Result.FAILED, f"say how many replicas: replicas from 1 to {MAX_REPLICAS}")
        now = len(status.replicas)
        await self.client.change("/scale", {"replicas": wanted, "pool_size": pool})
        back = {"replicas": now, "pool_size": status.pool_size}
        undo: dict[str, object] = {"action": "service.scale", "args": back}
        return Outcome(Result.DONE, f"scaled from {now} to {wanted} replicas", hits=abs(wanted - now), undo=undo)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        wanted, pool, now = _number(args, "replicas"), _number(args, "pool_size"), len(status.replicas)
        if now != wanted or pool not in (None, status.pool_size):
            return _said(Verified.FAILED, f"{now} replicas with {status.pool_size} connections each run", status)
        return _all_ready(status, f"{now} replicas run")


# ------------------------------------------------------------------ what all three share


async def _previewed(look: Callable[[Args], Awaitable[Preview]], args: Args) -> Preview:
    try:
        return await look(args)
    except (PlatformRefused, PlatformSilent) as error:
        return Preview("nothing can be said of what would happen", 0, refused=str(error))


async def _applied(change: Callable[[Args], Awaitable[Outcome]], args: Args) -> Outcome:
    """Do it and time it. A request that went out and was not answered may have been done: unknown."""
    started = time.monotonic()
    try:
        outcome = await change(args)
    except PlatformRefused as error:
        outcome = Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
    except PlatformSilent as error:
        outcome = Outcome(Result.UNKNOWN if error.sent else Result.FAILED, str(error), recoverable=not error.sent)
    return _timed(outcome, time.monotonic() - started)


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    return Outcome(
        outcome.result, outcome.summary, seconds=seconds, hits=outcome.hits, undo=outcome.undo,
        recoverable=outcome.recoverable,
    )  # fmt: skip


async def _verified(client: Client, args: Args, judge: Callable[[Args, PlatformStatus], Verification]) -> Verification:
    try:
        status = await client.status()
    except (PlatformRefused, PlatformSilent) as error:
        return Verification(Verified.UNKNOWN, str(error))
    if status.busy:
        return _said(Verified.PENDING, "the platform is still making a change", status)
    return judge(args, status)


def _all_ready(status: PlatformStatus, what: str) -> Verification:
    count = len(status.replicas)
    if status.ready < count or not count:
        return _said(Verified.PENDING, f"{what}; {status.ready} of {count} replicas serve", status)
    return _said(Verified.PASSED, f"{what}, all {count} replicas serve", status)


def _said(verdict: Verified, summary: str, status: PlatformStatus) -> Verification:
    return Verification(verdict, summary, tuple(str(replica) for replica in status.replicas))


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


def _text(args: Args, key: str) -> str:
    value = args.get(key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(args: Args, key: str) -> int | None:
    text = _text(args, key)
    return int(text) if text.isascii() and text.isdigit() else None


def _moment(args: Args) -> datetime | None:
    try:
        return parse_instant(_text(args, "since")) if args.get("since") else None
    except ValueError:
        return None

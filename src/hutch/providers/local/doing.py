"""What all actions of a platform share: how they are previewed, timed and verified, and how arguments are read."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.event import parse_instant
from hutch.providers.local.client import Client, PlatformRefused, PlatformSilent, PlatformStatus

Args = Mapping[str, object]


async def previewed(look: Callable[[Args], Awaitable[Preview]], args: Args) -> Preview:
    """The preview, or why none can be given."""
    try:
        return await look(args)
    except (PlatformRefused, PlatformSilent) as error:
        return Preview("nothing can be said of what would happen", 0, refused=str(error))


async def applied(change: Callable[[Args], Awaitable[Outcome]], args: Args) -> Outcome:
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


async def verified(
    client: Client, args: Args, judge: Callable[[Args, PlatformStatus], Verification], *, while_busy: bool = False
) -> Verification:
    """The judgement of what runs now; while the platform makes a change it is too early, unless ``while_busy``."""
    try:
        status = await client.status()
        if status.busy and not while_busy:
            return said_of(Verified.PENDING, "the platform is still making a change", status)
        return judge(args, status)
    except (PlatformRefused, PlatformSilent) as error:
        return Verification(Verified.UNKNOWN, str(error))


def all_ready(status: PlatformStatus, what: str) -> Verification:
    """Passed once every replica serves."""
    count = len(status.replicas)
    if status.ready < count or not count:
        return said_of(Verified.PENDING, f"{what}; {status.ready} of {count} replicas serve", status)
    return said_of(Verified.PASSED, f"{what}, all {count} replicas serve", status)


def said_of(verdict: Verified, summary: str, status: PlatformStatus) -> Verification:
    """The verdict with the replicas as evidence."""
    return Verification(verdict, summary, tuple(str(replica) for replica in status.replicas))


def text(args: Args, key: str) -> str:
    """An argument as text; empty where it is not given."""
    value = args.get(key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def number(args: Args, key: str) -> int | None:
    """An argument as a whole number, None where it is none."""
    given = text(args, key)
    return int(given) if given.isascii() and given.isdigit() else None


def moment(args: Args) -> datetime | None:
    """The argument ``since``, None where it is no time."""
    try:
        return parse_instant(text(args, "since")) if args.get("since") else None
    except ValueError:
        return None

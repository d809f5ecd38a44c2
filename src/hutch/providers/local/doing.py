"""What all actions of the local platform share: how they are verified, and how arguments are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hutch.model.action import Verification, Verified
from hutch.model.event import parse_instant
from hutch.providers.local.client import Client, PlatformStatus
from hutch.remote import Args, verified


@verified
async def judged(
    client: Client, args: Args, judge: Callable[[Args, PlatformStatus], Verification], *, while_busy: bool = False
) -> Verification:
    """The judgement of what runs now; while the platform makes a change it is too early, unless ``while_busy``."""
    status = await client.status()
    if status.busy and not while_busy:
        return said_of(Verified.PENDING, "the platform is still making a change", status)
    return judge(args, status)


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

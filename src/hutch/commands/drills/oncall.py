"""The on-call person of a drill: approves the first remedy if it is a right one, and closes what was opened."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hutch.commands import incidents, runs
from hutch.commands.context import CommandError, Context
from hutch.commands.drills.result import alert_of, right_remedy
from hutch.commands.drills.seen import Offer, Seen
from hutch.ports import Fault

ACTOR = "on-call (drill)"

DETECT_WITHIN = timedelta(seconds=60)
DIAGNOSE_WITHIN = timedelta(seconds=40)
MITIGATE_WITHIN = timedelta(seconds=120)
"""How long each part may take before the drill is over: bounds, not goals."""


ONE_INCIDENT = timedelta(seconds=8)
"""How long it is watched, where no cause is to be named, that the alert which must fire opens no second incident."""


def wants(fault: Fault, seen: Seen) -> bool:
    """Whether the person approves now. Pure."""
    ready = seen.ranked_at is not None and seen.approved_at is None and not seen.outcome
    return ready and bool(fault.remedies) and right_remedy(fault, seen)


def over(fault: Fault, seen: Seen, on_at: datetime, now: datetime) -> bool:
    """Whether nothing more will come: the run ended, there is nothing to approve, or it took too long. Pure."""
    if seen.outcome and (fault.cause or seen.opened_at is None):
        return True
    if not fault.cause:
        wanted = alert_of(fault)
        told = seen.told_at if not wanted or wanted in seen.alerts else None
        return now > (told + ONE_INCIDENT if told else on_at + DETECT_WITHIN)
    refuses = seen.ranked_at is not None and seen.approved_at is None and not wants(fault, seen)
    return refuses or now > deadline(seen, on_at)


def deadline(seen: Seen, on_at: datetime) -> datetime:
    """Until when the next part must have come. Pure."""
    if seen.approved_at:
        return seen.approved_at + MITIGATE_WITHIN
    if seen.opened_at:
        return max(seen.opened_at, on_at) + DIAGNOSE_WITHIN
    return on_at + DETECT_WITHIN


async def approve(context: Context, run: str, offer: Offer) -> None:
    """Approve an offer, exactly as it was shown."""
    await runs.approve(context, run, offer.id, ACTOR, digest=offer.digest)


async def close(context: Context, why: str) -> None:
    """End every run and incident that is still open."""
    for state in await incidents.listing(context):
        if not state.open:
            continue
        for run in state.runs:
            with suppress(CommandError):  # it was over already
                await runs.cancel(context, run, why, ACTOR)
        await incidents.resolve(context, state.id, why, ACTOR)

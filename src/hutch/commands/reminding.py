"""Reminds of the runbooks' own reviews, as clocks remind of promises: when a quarter of the time is left, and when it
is over; each once for each time that a review is due, however often and by how many processes it is looked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from hutch.commands import messages
from hutch.commands.context import CommandError, Context
from hutch.commands.upkeep import STREAM, Review, owed
from hutch.model.clock import Clock
from hutch.model.message import Channel, Message, abouts
from hutch.ports import Append, Conflict, StoreAway, StoreFull

EVERY = 600.0
"""Seconds between two looks at the documents: reviews are due by the day."""

CLOCK = "runbook"

log = logging.getLogger("hutch.reminding")


class Reminding:
    """Looks at the documents until it is cancelled."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def run(self) -> None:
        """Look, at its pace. Without a channel for reminders it ends at once."""
        while _spoken(self.context):
            try:
                await remind(self.context)
            except (StoreFull, StoreAway, CommandError, Conflict) as error:
                log.error("nobody is reminded of reviews now, it is tried again: %s", error)
            await asyncio.sleep(EVERY)


def _spoken(context: Context) -> bool:
    return bool(context.config.notify.channels) and context.config.notify.reminders


async def remind(context: Context) -> int:
    """Queue the reminders that are due by now and were not sent; how many. Another may have done it meanwhile: then it
    raises ``Conflict``, and nothing is written."""
    if not _spoken(context):
        return 0
    reviews = await owed(context)
    events = await context.store.read(STREAM)
    said = abouts(events)
    found = [m for review in reviews for m in _reminders(context, review, said)]
    if found:
        drafts, jobs = messages.queued(STREAM, found, context)
        await context.store.commit([Append(STREAM, tuple(drafts), expect=len(events))], jobs)
    return len(found)


def _reminders(context: Context, review: Review, said: frozenset[str]) -> Iterator[Message]:
    period = f"{review.id}:{review.due:%Y-%m-%d}"
    warned, overdue = (f"{period}:{word}" in said for word in ("warning", "overdue"))
    ring = Clock(CLOCK, 1, review.since, review.due, warned=warned, overdue_said=overdue).rings(context.clock.now())
    if ring:
        title = f"Review of the runbook {review.document}"
        for channel in _channels(context, review.owner):
            yield messages.to_channel(channel, "", title, _words(review, ring), f"{period}:{ring}")


def _words(review: Review, ring: str) -> str:
    due = f"{review.due:%Y-%m-%d}"
    when = f"Overdue: the {review.schedule} review of the runbook {review.document} was due on {due}." if (
        ring == "overdue"
    ) else f"Due soon: the {review.schedule} review of the runbook {review.document}, by {due}."  # fmt: skip
    return f'{when} It is for {review.owner}. When it was done: hutch todo done {review.id} --note "…"'


def _channels(context: Context, owner: str) -> tuple[Channel, ...]:
    """Those of all responders, as for action items, and the owner's own."""
    config = context.config
    person = config.people.people.get(owner)
    own = [config.notify.channels[n] for n in (person.channels if person else ()) if n in config.notify.channels]
    found = (*messages.for_all(context, exercise=False), *(c for c in own if not c.exercise and not c.follows))
    return tuple({c.name: c for c in found}.values())

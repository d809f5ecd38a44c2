"""Subscriptions to the status page: asked for, confirmed by whoever has the address, told of each update once, left.

An address is kept in one event, which is erased when its owner leaves. Messages to subscribers are events of their own
stream, so a crash loses none and doubles none (see :mod:`hutch.commands.messages`).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hutch.commands import links, messages, statuspage
from hutch.commands.context import CommandError, Context
from hutch.commands.incidents import TRIES
from hutch.model import subscriber as model
from hutch.model.event import Draft, Event
from hutch.model.message import Channel, Message, abouts
from hutch.model.statuspage import notices
from hutch.model.subscriber import Subscriber
from hutch.ports import Append, Conflict, Job

JOB = "subscribers"
"""Tells every subscriber of one update."""

A_MINUTE = 30
"""How many may ask in a minute: more is a machine, and mail to people who did not ask."""

PLACE = links.PLACE


def channel(context: Context) -> Channel:
    """Over which subscribers are told. Raises :class:`CommandError` where that is not offered."""
    name = statuspage.config_of(context).mail
    if not name:
        raise CommandError("subscriptions are not offered here", 2)
    return messages.channel_of(context, name)


async def ask(context: Context, address: str) -> None:
    """Ask whoever has the address whether they want it. Says nothing of whether they have it already.

    Raises :class:`CommandError` for an address that cannot be one, and where too many ask.
    """
    over = channel(context)
    try:
        address = model.checked(address)
    except ValueError as error:
        raise CommandError(str(error), 2) from None
    now = context.clock.now()
    if len(await context.store.since(model.ASKED, now - timedelta(minutes=1))) >= A_MINUTE:
        raise CommandError("too many ask at this moment: try again in a minute", 1)
    stream = model.STREAMS + model.new_id(address)
    for _ in range(TRIES):
        events = await context.store.read(stream)
        known = model.fold(events)
        if known and (known.confirmed or now - known.asked < model.AGAIN):
            return
        drafts, jobs = messages.queued(stream, [_message(over, *_question(context))], context, actor="visitor")
        with suppress(Conflict):
            append = Append(stream, (model.asked(address), *drafts), expect=len(events))
            await context.store.commit([append], jobs)
            return
    raise CommandError("this address is being asked by too many at once; try again")


def _question(context: Context) -> tuple[str, str]:
    title = statuspage.config_of(context).title
    return f"{title}: shall we tell you?", (
        f"Somebody, you we hope, asked to be told of incidents and planned work of {title}.\n\n"
        f"To confirm it: {PLACE}\n\nIf it was not you, do nothing: no other message follows."
    )


def _message(over: Channel, title: str, body: str, about: str = model.ASKED) -> Message:
    return messages.to_channel(over, "", title, body, about)


# ------------------------------------------------------------------ links


async def follow(context: Context, token: str) -> str:
    """Do what a link is for; what is then said. Raises :class:`CommandError` that says why not."""
    stream, asked = links.read_subscriber(context, token)
    events = await context.store.read(stream)
    known = model.fold(events)
    if not asked:
        await _leave(context, stream, events, known)
        return "You will not hear from us any more."
    if known is None or not (known.confirmed or known.may_confirm(context.clock.now())):
        raise CommandError("this link's time is over: subscribe again", 1)
    if not known.confirmed:
        with suppress(Conflict):
            draft = Draft(model.CONFIRMED, {}, "subscriber")
            await context.store.commit([Append(stream, (draft,), expect=len(events))])
    return "You will be told of incidents and planned work."


async def _leave(context: Context, stream: str, events: list[Event], known: Subscriber | None) -> None:
    """Whoever leaves is forgotten: what held the address is erased."""
    if known:
        await context.store.commit([Append(stream, (Draft(model.LEFT, {}, "subscriber"),))])
    for event in events:
        if event.kind == model.ASKED and event.data.get("address"):
            await context.store.erase(stream, event.seq)


# ------------------------------------------------------------------ telling them


def job(posted: str, number: int) -> Job:
    """Tells all of an update: event ``number`` of the stream ``posted``."""
    return Job(JOB, f"{JOB}:{posted}:{number}", None, {"stream": posted, "number": number})


async def everybody(context: Context) -> list[Subscriber]:
    """Those who confirmed."""
    names = await context.store.streams(model.STREAMS)
    found = map(model.fold, await context.store.read_all(names) if names else [])
    return [one for one in found if one and one.confirmed]


async def tell(context: Context, stream: str, number: int, done: int | None = None) -> None:
    """Queue a message about an update for each subscriber who has none of it yet; job ``done`` ends with the last."""
    text = _text(context, await context.store.read(stream), number)
    about = f"{stream}:{number}"
    if text and statuspage.config_of(context).mail:
        over = channel(context)
        for one in await everybody(context):
            await _tell(context, over, one, text, about)
    await context.store.commit([], done=done)


async def _tell(context: Context, over: Channel, one: Subscriber, text: tuple[str, str], about: str) -> None:
    """Once: a second try sees that it is queued already."""
    for _ in range(TRIES):
        events = await context.store.read(one.stream)
        if model.fold(events) is None or about in abouts(events):
            return
        drafts, jobs = messages.queued(one.stream, [_message(over, *text, about)], context, actor="status page")
        with suppress(Conflict):
            await context.store.commit([Append(one.stream, tuple(drafts), expect=len(events))], jobs)
            return


def _text(context: Context, events: list[Event], number: int) -> tuple[str, str]:
    """Subject and text of the update, as the page has it; empty where it was erased."""
    found = next((n for n in notices([e for e in events if e.kind == "update.posted" and e.seq <= number])), None)
    if found is None:
        return ("", "")
    page, told = statuspage.config_of(context), found.told[-1]
    body = f"{told.body}\n\n{page.address}/incidents/{found.id}.html\n\nTo hear no more of us: {PLACE}"
    return f"{page.title}: [{told.state.capitalize()}] {found.name}", body

"""Subscriptions to the status page: asked for, confirmed by whoever has the address, told of each update once, left.

An address is kept in one event, which is erased when its owner leaves. Messages to subscribers are events of their own
stream, so a crash loses none and doubles none (see :mod:`hutch.commands.messages`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hutch.commands import links, messages, statuspage
from hutch.commands.context import CommandError, Context
from hutch.commands.incidents import TRIES
from hutch.model import message
from hutch.model import subscriber as model
from hutch.model.action import Outcome
from hutch.model.event import Draft, Event, instant
from hutch.model.message import Channel, Message, abouts
from hutch.model.statuspage import notices
from hutch.model.subscriber import Subscriber
from hutch.ports import Append, Conflict, Job

JOB = "subscribers"
"""Tells every subscriber of one update."""

A_MINUTE = 30
"""How many may ask in a minute: more is a machine, and mail to people who did not ask."""

PLACE = links.PLACE


def offered(context: Context, *, hook: bool) -> Channel | None:
    """Over which subscribers are told by mail, or at their webhooks; None where that is not offered."""
    page = statuspage.config_of(context)
    return page.hooks if hook else messages.channel_of(context, page.mail) if page.mail else None


def channel(context: Context, *, hook: bool) -> Channel:
    """The same. Raises :class:`CommandError` where it is not offered."""
    found = offered(context, hook=hook)
    if found is None:
        raise CommandError("subscriptions are not offered here", 2)
    return found


async def ask(context: Context, address: str, *, hook: bool = False) -> None:
    """Ask whoever has the address whether they want it. Says nothing of whether they have it already.

    Raises :class:`CommandError` for an address that cannot be one, and where too many ask.
    """
    over = channel(context, hook=hook)
    try:
        address = model.checked_hook(address) if hook else model.checked(address)
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
        await _leave(context, stream, events, known, "subscriber")
        return "You will not hear from us any more."
    known = await _confirmed(context, stream)
    told = "You will be told of incidents and planned work."
    key = f" Each message is signed with this key: {links.hook_key(context, stream)}" if known.hook else ""
    return told + key


async def _confirmed(context: Context, stream: str) -> Subscriber:
    """Whoever has the address wants it. What is told of messages meanwhile, by others, does not get in the way."""
    for _ in range(TRIES):
        events = await context.store.read(stream)
        known = model.fold(events)
        if known is None or not (known.confirmed or known.may_confirm(context.clock.now())):
            raise CommandError("this link's time is over: subscribe again", 1)
        if known.confirmed:
            return known
        with suppress(Conflict):
            draft = Draft(model.CONFIRMED, {}, "subscriber")
            await context.store.commit([Append(stream, (draft,), expect=len(events))])
    raise CommandError("this subscription is being changed by too many at once; try again")


async def _leave(context: Context, stream: str, events: list[Event], known: Subscriber | None, actor: str) -> None:
    """Whoever leaves is forgotten: what held the address is erased."""
    if known:
        await context.store.commit([Append(stream, (Draft(model.LEFT, {}, actor),))])
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


async def remove(context: Context, name: str, actor: str) -> Subscriber:
    """Forget a subscriber, as if they had followed their link to leave; what waits to be sent to them is not sent.

    Whoever was removed may subscribe again. Raises :class:`CommandError`.
    """
    known = await found(context, name)
    await _leave(context, known.stream, await context.store.read(known.stream), known, actor)
    return known


async def found(context: Context, name: str) -> Subscriber:
    """The subscriber of that id, or of that address. Raises :class:`CommandError`."""
    known = model.fold(await context.store.read(model.STREAMS + _id(name)))
    if known is None:
        raise CommandError(f"no subscriber {name!r}; `hutch status subscribers` lists them", 2)
    return known


def _id(name: str) -> str:
    """An id stands for itself, an address for the id that it gives."""
    try:
        if "://" in name:
            return model.new_id(model.checked_hook(name))
        return model.new_id(model.checked(name)) if "@" in name else name
    except ValueError as error:
        raise CommandError(str(error), 2) from None


async def test(context: Context, name: str, actor: str) -> Outcome:
    """Send one test message to a subscriber at once. Raises :class:`CommandError`."""
    known = await found(context, name)
    if not known.confirmed:
        raise CommandError(f"{name} has not confirmed it: nothing is sent there but the question", 2)
    over = channel(context, hook=known.hook)
    title = f"{statuspage.config_of(context).title}: a test"
    one = _message(over, title, f"{actor} tests this subscription. Nothing has happened.\n\n{PLACE}", "test")
    outcome = await context.open_notifier(over).notify(messages.for_subscriber(context, one, known))
    return replace(outcome, summary=context.secrets.mask(outcome.summary))


async def listing(context: Context) -> list[dict[str, object]]:
    """Everybody who asked and has not left, with what became of the last message; keys are stable."""
    names = await context.store.streams(model.STREAMS)
    rows: list[dict[str, object]] = []
    for events in await context.store.read_all(names) if names else []:
        if known := model.fold(events):
            last = next(reversed(message.fold(events).values()), None)
            rows.append({
                "id": known.id, "kind": "webhook" if known.hook else "mail", "address": known.address,
                "asked_at": instant(known.asked), "confirmed": known.confirmed,
                "last": f"{last.state}: {last.said}" if last and last.said else last.state.value if last else "",
            })  # fmt: skip
    return rows


async def tell(context: Context, stream: str, number: int, done: int | None = None) -> None:
    """Queue a message about an update for each subscriber who has none of it yet; job ``done`` ends with the last."""
    text = _text(context, await context.store.read(stream), number)
    about = f"{stream}:{number}"
    for one in await everybody(context) if text else ():
        if over := offered(context, hook=one.hook):
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

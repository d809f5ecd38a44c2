"""Sends messages so that none is lost: the message is an event, its sending a job, both written in one transaction.

A process that is killed while it sends leaves the job, and the next one sends it again under the same id.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hutch.commands import links
from hutch.commands.context import CommandError, Context
from hutch.model import subscriber
from hutch.model.action import Outcome, Result
from hutch.model.event import Draft, Event, instant
from hutch.model.message import (
    DELIVERED,
    FAILED,
    GIVEN_UP,
    Audience,
    Channel,
    Message,
    Sent,
    State,
    fold,
    pause_after,
)
from hutch.model.subscriber import Subscriber
from hutch.ports import Append, Job

JOB = "message"

LONGEST = 60_000
"""Characters of a message's text."""


def new_id() -> str:
    """An id that no other message has, in whatever store."""
    return f"hutch-{randomness.token_hex(10)}"


def to_channel(channel: Channel, incident: str, title: str, body: str, about: str) -> Message:
    """A message for one channel."""
    return Message(new_id(), channel.name, title, body[:LONGEST], incident, channel.audience, about)


def queued(
    stream: str, messages: Iterable[Message], mask: Context, actor: str = "hutch"
) -> tuple[list[Draft], list[Job]]:
    """What to append and to defer so that these are sent. Secrets are masked.

    Raises :class:`CommandError` where Hutch by itself would speak to anybody but responders: a person does that.
    """
    drafts, jobs = [], []
    for message in messages:
        if actor == "hutch" and message.audience not in ("", Audience.RESPONDERS):
            raise CommandError(f"nothing goes to {message.audience} unless a person sends it", 2)
        title, body = mask.secrets.mask(message.title), mask.secrets.mask(message.body)
        drafts.append(replace(message, title=title, body=body).queued(actor))
        jobs.append(job(stream, message.id))
    return drafts, jobs


def job(stream: str, message: str, again: timedelta | None = None, context: Context | None = None) -> Job:
    """Sends it, now or ``again`` from now."""
    at = context.clock.now() + again if context and again else None
    return Job(JOB, f"{JOB}:{message}", at, {"stream": stream, "message": message})


def channels(context: Context, audience: Audience, *, exercise: bool) -> tuple[Channel, ...]:
    """Where messages for an audience go."""
    return context.config.notify.to(audience, exercise=exercise)


def for_all(context: Context, *, exercise: bool) -> tuple[Channel, ...]:
    """The responders' channels that belong to nobody alone and page nobody."""
    personal = context.config.people.personal()
    found = channels(context, Audience.RESPONDERS, exercise=exercise)
    return tuple(c for c in found if c.name not in personal and not c.follows)


def declared_exercise(events: Sequence[Event]) -> bool:
    """Whether these events are those of an exercise."""
    return bool(events and events[0].data.get("exercise"))


# ------------------------------------------------------------------ sending


async def deliver(context: Context, stream: str, message_id: str, done: int | None = None) -> None:
    """Send one message and write what became of it; job ``done`` ends in the same transaction."""
    events = await context.store.read(stream)
    sent = fold(events).get(message_id)
    if sent is None or sent.state is not State.WAITING:
        await context.store.commit([], done=done)
        return
    outcome = await _notify(context, sent.message, events)
    drafts, jobs = _after(context, stream, sent, outcome)
    await context.store.commit([Append(stream, tuple(drafts))], jobs, done=done)


async def _notify(context: Context, message: Message, events: Sequence[Event]) -> Outcome:
    channel = _channels(context).get(message.channel)
    if channel is None:
        return Outcome(Result.FAILED, f"there is no channel {message.channel!r} in notify.channels any more")
    try:
        whole = _to_subscriber(context, message, events) or _linked(message, links.of(context, message))
        return await context.open_notifier(channel).notify(whole)
    except CommandError as error:
        return Outcome(Result.FAILED, str(error))


def _linked(message: Message, link: str) -> Message:
    return replace(message, body=message.body.replace(links.PLACE, link))


def _to_subscriber(context: Context, message: Message, events: Sequence[Event]) -> Message | None:
    """A message of a subscriber's stream with their address, which no other event holds, and their link; None for
    others. Raises :class:`CommandError` where they have left."""
    stream = events[0].stream
    if not stream.startswith(subscriber.STREAMS):
        return None
    known = subscriber.fold(events)
    if known is None:
        raise CommandError("the subscriber has left")
    return for_subscriber(context, message, known)


def for_subscriber(context: Context, message: Message, known: Subscriber) -> Message:
    """The message with what no event holds: their address, their link, and what is signed with."""
    asked = message.about == subscriber.ASKED
    link = links.subscriber(context, known.stream, asked)
    key = links.hook_key(context, known.stream) if known.hook else ""
    return replace(_linked(message, link), to=known.address, leave="" if asked else link, key=key)


def _after(context: Context, stream: str, sent: Sent, outcome: Outcome) -> tuple[list[Draft], list[Job]]:
    message, tries = sent.message, sent.tries + 1
    said = context.secrets.mask(outcome.summary)
    told = {"id": message.id, "channel": message.channel, "said": said, "tries": tries, "seconds": outcome.seconds}
    told |= {"audience": message.audience, "about": message.about}
    if outcome.result is Result.DONE:
        return [Draft(DELIVERED, told)], []
    pause = pause_after(tries) if outcome.recoverable else None
    if pause is None:
        return [Draft(GIVEN_UP, told)], []
    at = context.clock.now() + pause
    return [Draft(FAILED, {**told, "again_at": instant(at)})], [job(stream, message.id, pause, context)]


async def test_channel(context: Context, name: str, actor: str) -> Outcome:
    """Send one test message at once, by whatever kind the channel is. Raises :class:`CommandError`."""
    channel = channel_of(context, name)
    text = f"{actor} tests the channel {name!r} of Hutch. Nothing has happened; no answer is needed."
    message = Message(new_id(), name, "Test of a Hutch channel", text, audience=channel.audience)
    outcome = await context.open_notifier(channel).notify(message)
    if channel.kind == "pagerduty" and outcome.result is Result.DONE:  # a test does not leave somebody paged
        await context.open_notifier(channel).notify(replace(message, act="resolve"))
    return replace(outcome, summary=context.secrets.mask(outcome.summary))


def channel_of(context: Context, name: str) -> Channel:
    """The channel of that name. Raises :class:`CommandError`."""
    known = _channels(context)
    if name not in known:
        names = ", ".join(context.config.notify.channels) or "none: add some under notify.channels"
        raise CommandError(f"unknown channel {name!r}; configured: {names}", 2)
    return known[name]


def _channels(context: Context) -> dict[str, Channel]:
    """Those of ``notify``, and the one of the page's webhooks."""
    page, known = context.config.status_page, dict(context.config.notify.channels)
    return known | ({page.hooks.name: page.hooks} if page and page.hooks else {})


def as_dict(sent: Sent) -> dict[str, object]:
    """The JSON form of a message and what became of it, without its text; keys are stable."""
    message = sent.message
    return {
        "id": message.id,
        "at": instant(sent.queued_at),
        "channel": message.channel,
        "audience": message.audience,
        "person": message.person,
        "title": message.title,
        "state": sent.state.value,
        "tries": sent.tries,
        "said": sent.said,
        "ended_at": instant(sent.ended_at) if sent.ended_at else None,
    }


async def sent_of(context: Context, stream: str) -> list[Sent]:
    """Every message of a stream and what became of it, in order."""
    return list(fold(await context.store.read(stream)).values())

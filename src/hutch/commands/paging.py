"""What an incident has to say to people by itself, decided from its log: pages, announcements, reminders of clocks.

Whatever is due is queued in one transaction with the reason why (``about``), and nothing is said twice for the same: a
process that dies in between changes nothing, and after a day asleep each step that is overdue is done once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hutch.commands import incidents, links, messages, oncall
from hutch.commands.context import CommandError, Context
from hutch.model import incident as model
from hutch.model.circle import circle_of, is_private
from hutch.model.clock import Clock, ClockState
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.model.message import Channel, Message, abouts
from hutch.model.message import fold as messages_of
from hutch.ports import Append, Conflict, Job
from hutch.review.sentences import promise
from hutch.review.wording import one_line


@dataclass(frozen=True, slots=True)
class Page:
    """One target of a due step: the channels it stands for, and the person behind it."""

    about: str
    target: str
    person: str
    channels: tuple[Channel, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """All that is decided from: the incident, its events, and the channels that it may use."""

    context: Context
    state: Incident
    events: Sequence[Event]
    said: frozenset[str]
    exercise: bool

    @property
    def inside(self) -> frozenset[str] | None:
        """Whom a private incident lets in; None for one that is not private."""
        circle = circle_of(self.events)
        return circle.people if circle and circle.private else None

    @property
    def everyone(self) -> tuple[Channel, ...]:
        """The responders' channels that belong to nobody alone and page nobody; of a private incident only those of
        the people whom it lets in."""
        if self.inside is not None:
            return _theirs(self, sorted(self.inside))
        return messages.for_all(self.context, exercise=self.exercise)

    @property
    def title(self) -> str:
        """What a message begins with. Of a private incident the number is told, not what it is about."""
        told = "private incident" if is_private(self.events) else one_line(self.state.title, 120)
        mark = "EXERCISE " if self.exercise else ""
        return f"{mark}[{self.state.severity.label}] {told} ({self.state.id})"


Events = Sequence[Event]


async def together(context: Context, incident_ids: Sequence[str]) -> Mapping[str, Events]:
    """The events of several incidents, read in one turn, for :func:`attend`."""
    names = list(dict.fromkeys(incident_ids))
    found = await context.store.read_all([model.stream_of(name) for name in names])
    return dict(zip(names, found, strict=True))


async def attend(
    context: Context, incident_id: str, done: int | None = None, events: Events | None = None
) -> datetime | None:
    """Say what its clocks have to say by now and queue what is due, once each, in one transaction: job ``done`` ends in
    it, and the next look is set. Returns when that is. ``events`` are the incident's, where they were just read.
    Raises :class:`CommandError` for an unknown incident."""
    for tries_left in reversed(range(incidents.TRIES)):
        now = await _decided(context, incident_id, events)
        events = None
        timers = [incidents.clock_job(incident_id, now.at)] if now.at else []
        appends = [Append(model.stream_of(incident_id), now.drafts, expect=now.seq)] if now.drafts else []
        try:
            if appends or done is not None:
                await context.store.commit(appends, [*now.jobs, *timers], done=done)
        except Conflict:
            if not tries_left:
                raise
            continue
        return now.at
    return None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at an incident, as of its event ``seq``, says and queues, and when the next is due."""

    seq: int
    drafts: tuple[Draft, ...]
    jobs: tuple[Job, ...] = ()
    at: datetime | None = None


async def _decided(context: Context, incident_id: str, events: Events | None) -> Look:
    now, stream = context.clock.now(), model.stream_of(incident_id)
    if events is None and context.config.notify.channels:
        events = await context.store.read(stream)
    before = await incidents.load(context, incident_id) if events is None else model.fold(events)
    if before is None:
        raise CommandError(f"no incident {incident_id}; `hutch incident list` shows them", 2)
    state = model.rung(before, now)
    if events is None or not context.config.notify.channels:
        return Look(before.seq, tuple(model.rings(before, now)), at=model.next_ring(state))
    room = Room(context, state, events, abouts(events), messages.declared_exercise(events))
    found, pages = await _due(room)
    drafts, jobs = messages.queued(stream, found, context)
    at = min((t for t in (model.next_ring(state), pages) if t), default=None)
    return Look(before.seq, (*model.rings(before, now), *drafts), tuple(jobs), at)


async def _due(room: Room) -> tuple[list[Message], datetime | None]:
    pages, at = await _pages(room)
    found = [*pages, *_follow(room), *_given_roles(room)]
    if room.context.config.notify.reminders:
        found += [*_announced(room), *_reminded(room)]
    return found, at


# ------------------------------------------------------------------ pages


async def _pages(room: Room) -> tuple[list[Message], datetime | None]:
    """The pages that are due, and when the next step is."""
    state, now = room.state, room.context.clock.now()
    policy = room.context.config.people.escalation.get(state.severity)
    response = state.clock("response")
    if policy is None or response is None or not state.open:
        return [], None
    found: list[Message] = []
    for number, at, step in policy.due(max(response.start, state.declared_at)):
        if at > now:
            return found, at
        for target in step.page:
            if not _paged(room, number, target):
                found += await _page(room, number, target)
    return found, None


def _paged(room: Room, number: int, target: str) -> bool:
    """Whether this step paged it already, at this severity or a worse one: a milder one pages nobody anew."""
    grades = range(1, int(room.state.severity) + 1)
    return any(_about(room, grade, number, target) in room.said for grade in grades)


def _about(room: Room, severity: int, number: int, target: str) -> str:
    return f"page:{room.state.reopened}:{severity}:{number}:{target}"


async def _page(room: Room, number: int, target: str) -> list[Message]:
    person, note = await _who(room.context, target)
    about = _about(room, int(room.state.severity), number, target)
    channels = _channels(room, person, target)
    if room.inside is not None and person not in room.inside:
        note, channels = f"{person or target} is not let in to it", ()
    if not channels:
        note = f"{note or f'{person or target} cannot be paged'}: this goes to all responders"
        channels, person = room.everyone, ""
    return [_page_message(room, c, about, person, note, number) for c in channels]


async def _who(context: Context, target: str) -> tuple[str, str]:
    """The person behind a target, and what to say where there is none."""
    people = context.config.people
    if target in people.schedules:
        turn = await oncall.on_call(context, target)
        if turn is None:
            return "", f"nobody is on call for {target}"
        gone = "" if turn.who in people.people else f"{turn.who}, on call for {target}, is not in people any more"
        return ("" if gone else turn.who), gone
    return (target if target in people.people else ""), ""


def _channels(room: Room, person: str, target: str) -> tuple[Channel, ...]:
    """An exercise pages by exercise channels only, and nothing else does."""
    config = room.context.config
    names = config.people.people[person].channels if person else (target,)
    known = (config.notify.channels[n] for n in names if n in config.notify.channels)
    return tuple(c for c in known if c.exercise is room.exercise)


def _theirs(room: Room, names: Sequence[str]) -> tuple[Channel, ...]:
    people = room.context.config.people.people
    found = (c for name in names if name in people for c in _channels(room, name, ""))
    return tuple({c.name: c for c in found if not c.follows}.values())


def _page_message(room: Room, channel: Channel, about: str, person: str, note: str, number: int) -> Message:
    state, message_id = room.state, messages.new_id()
    body = [
        f"{'You are' if person else 'Somebody is'} needed: {room.title}.",
        *([one_line(state.summary, 300)] if state.summary and not is_private(room.events) else []),
        f"Service: {state.service}. Detected {state.detected_at:%Y-%m-%d %H:%M} UTC. Nobody has acknowledged it"
        + (f"; this is page {number + 1}." if number else "."),
        *([note[:1].upper() + note[1:] + "."] if note else []),
        f"Acknowledge: {links.PLACE}",
    ]
    act = "trigger" if channel.follows else ""
    return Message(
        message_id, channel.name, room.title, "\n".join(body), state.id, channel.audience, about, act,
        state.severity.label, person,
    )  # fmt: skip


# ------------------------------------------------------------------ what paging services hear after


def _follow(room: Room) -> Iterator[Message]:
    """A paging service that was told of an incident hears that it was acknowledged, and that it is resolved."""
    state = room.state
    told = {s.message.channel for s in messages_of(room.events).values() if s.message.act == "trigger"}
    acts = [("acknowledge", state.open and state.clock("response") is None), ("resolve", not state.open)]
    for name in sorted(told & set(room.context.config.notify.channels)):
        for act, holds in acts:
            about = f"{act}:{state.reopened}:{name}"
            if holds and about not in room.said:
                yield replace(_plain(room, room.context.config.notify.channels[name], about, room.title), act=act)


def _plain(room: Room, channel: Channel, about: str, body: str) -> Message:
    message = messages.to_channel(channel, room.state.id, room.title, body, about)
    return replace(message, severity=room.state.severity.label)


# ------------------------------------------------------------------ who was given a role


def _given_roles(room: Room) -> Iterator[Message]:
    """Who was given a role by somebody else hears of it, by their own channels."""
    people = room.context.config.people.people
    held = ((role, h) for role, several in room.state.roles.items() for h in several)
    for role, one in held:
        about = f"role:{role}:{one.seq}"
        seen = room.inside is None or one.who in room.inside
        if seen and one.who in people and one.who != one.by and about not in room.said and room.state.open:
            body = f"{one.by} made you {role.called} of {room.title}. See it: hutch incident show {room.state.id}"
            yield from (replace(_plain(room, c, about, body), person=one.who) for c in _channels(room, one.who, ""))


# ------------------------------------------------------------------ for all responders


def _announced(room: Room) -> Iterator[Message]:
    """A new incident, once."""
    state = room.state
    if "declared" in room.said or not state.open:
        return
    body = f"{room.title} was declared for {state.service}. See it: hutch incident show {state.id}"
    yield from (_plain(room, c, "declared", body) for c in room.everyone)


def _reminded(room: Room) -> Iterator[Message]:
    """What its clocks said, once each: a promise that is due soon, or overdue."""
    for clock in room.state.clocks:
        word = _rang(clock)
        about = f"clock:{clock.id}:{word}"
        if word and about not in room.said:
            yield from (_plain(room, c, about, _reminder(room, clock, word)) for c in room.everyone)


def _rang(clock: Clock) -> str:
    if clock.state is not ClockState.RUNNING:
        return ""
    return "overdue" if clock.overdue_said else "warning" if clock.warned else ""


def _reminder(room: Room, clock: Clock, word: str) -> str:
    what = promise(clock.id)
    due = f"{clock.due:%Y-%m-%d %H:%M} UTC"
    said = f"Overdue: {what} of {room.state.id} was due at {due}." if word == "overdue" else (
        f"Due soon: {what} of {room.state.id} by {due}."
    )  # fmt: skip
    draft = f" Draft it: hutch incident update {room.state.id}" if clock.name == "update" else ""
    return said + draft

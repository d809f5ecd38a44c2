"""Messages that leave Hutch: what is sent, over which channel, and what became of it. Pure.

Each message is an event of the stream that it is about (``message.queued``); what became of it are events too. Its id
goes with it, so a copy that a crash made can be told from a second message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hutch.model.event import Draft, Event

QUEUED, DELIVERED, FAILED, GIVEN_UP = "message.queued", "message.delivered", "message.failed", "message.given_up"

KINDS = frozenset({QUEUED, DELIVERED, FAILED, GIVEN_UP})
"""The kinds of event that tell of messages, in whatever stream."""


class Audience(StrEnum):
    """Who reads a channel: those who work on it, those who have to know, those who use the service."""

    RESPONDERS = "responders"
    STAKEHOLDERS = "stakeholders"
    CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class Channel:
    """A configured way out. ``settings`` are validated, secrets still references; an ``exercise`` channel gets what
    exercises send, and nothing else."""

    name: str
    kind: str
    audience: Audience
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    exercise: bool = False
    follows: bool = False  # it pages, and hears of the acknowledgement and the resolution


@dataclass(frozen=True, slots=True)
class Message:
    """``about`` says why it is sent (``page:1``, ``clock:update-2:overdue``): never twice for the same in a stream.

    ``to`` is the one address that it goes to, in place of the channel's own, ``key`` what it is signed with there, and
    ``leave`` the link by which its owner hears no more; none of them is kept with it. ``act`` is what a paging
    service does with it: ``trigger``, ``acknowledge``, ``resolve``; empty: only text.
    """

    id: str
    channel: str
    title: str
    body: str
    incident: str = ""
    audience: str = ""
    about: str = ""
    act: str = ""
    severity: str = ""
    person: str = ""
    to: str = ""
    leave: str = ""
    key: str = field(default="", repr=False)

    def queued(self, actor: str = "hutch") -> Draft:
        """The event that it is to be sent."""
        names = ("id", "channel", "title", "body", "incident", "audience", "about", "act", "severity", "person")
        return Draft(QUEUED, {n: v for n in names if (v := getattr(self, n))}, actor)


def message_of(data: Mapping[str, object]) -> Message:
    """The inverse of :meth:`Message.queued`. An erased one keeps no text."""
    names = ("id", "channel", "title", "body", "incident", "audience", "about", "act", "severity", "person")
    return Message(**{n: str(data.get(n, "")) for n in names})


class State(StrEnum):
    """How a message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and what became of it; ``tries`` counts those that ended."""

    message: Message
    queued_at: datetime
    state: State = State.WAITING
    tries: int = 0
    said: str = ""
    ended_at: datetime | None = None


def fold(events: Iterable[Event]) -> dict[str, Sent]:
    """Every message of a stream by its id, in the order in which they were queued."""
    found: dict[str, Sent] = {}
    for event in events:
        if event.kind == QUEUED and "id" in event.data:
            message = message_of(event.data)
            found[message.id] = Sent(message, event.at)
        elif event.kind in _ENDS and str(event.data.get("id")) in found:
            name = str(event.data["id"])
            found[name] = _after(found[name], event)
    return found


_ENDS: Mapping[str, State] = {
    DELIVERED: State.DELIVERED, GIVEN_UP: State.GIVEN_UP, FAILED: State.WAITING,
}  # fmt: skip


def _after(sent: Sent, event: Event) -> Sent:
    state = _ENDS[event.kind]
    ended = None if state is State.WAITING else event.at
    return replace(sent, state=state, tries=sent.tries + 1, said=str(event.data.get("said", "")), ended_at=ended)


def abouts(events: Iterable[Event]) -> frozenset[str]:
    """Why messages were queued so far: what must not be said again."""
    return frozenset(str(e.data["about"]) for e in events if e.kind == QUEUED and e.data.get("about"))


# ------------------------------------------------------------------ trying again

PAUSES = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800))
"""How long is waited after each failed try: eleven tries within 16 hours, then it is given up, and said."""


def pause_after(tries: int) -> timedelta | None:
    """How long to wait after so many failed tries; None: no more.

    >>> pause_after(1).total_seconds(), pause_after(11)
    (5.0, None)
    """
    return PAUSES[tries - 1] if 1 <= tries <= len(PAUSES) else None


# ------------------------------------------------------------------ the configuration


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """The block ``notify``. ``address`` is where people reach the links that messages carry; ``words`` must never
    leave in a text for people outside; ``reminders``: whether clocks speak to the responders' channels."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    address: str = ""
    words: tuple[str, ...] = ()
    templates: str = ""
    language: str = "en"
    link_secret: str = ""
    reminders: bool = True
    pagerduty_secret: str = ""

    def to(self, audience: Audience, *, exercise: bool) -> tuple[Channel, ...]:
        """The channels of an audience: an exercise reaches exercise channels only, and nothing else reaches those."""
        return tuple(c for c in self.channels.values() if c.audience is audience and c.exercise is exercise)

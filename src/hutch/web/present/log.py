"""Events of the whole log as their page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import Event
from hutch.review.reading import Told, part, text
from hutch.review.sentences import sentence
from hutch.web.present.words import Moment, line, moment

SORTS: Mapping[str, tuple[str, ...]] = {
    "incidents": ("incident:",),
    "runs": ("run:",),
    "alerts": ("alert:", "silence:", "maintenance:"),
    "people": ("oncall:", "audit:", "access:", "user:"),
}
"""What streams a sort is of, by the word in the address."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands in the address: a sort of stream, a beginning of the kind, an actor, words."""

    sort: str = ""
    kind: str = ""
    actor: str = ""
    words: tuple[str, ...] = ()

    def keeps(self) -> Callable[[Event], bool]:
        """Whether an event is one of those."""
        prefixes = SORTS.get(self.sort, ("",))

        def kept(event: Event) -> bool:
            if not (event.stream.startswith(prefixes) and event.kind.startswith(self.kind)):
                return False
            if self.actor and self.actor != event.actor:
                return False
            told = f"{event.stream} {event.kind} {event.actor} {said(event)}".casefold() if self.words else ""
            return all(word in told for word in self.words)

        return kept


@dataclass(frozen=True, slots=True)
class EventView:
    """One event; ``href`` leads to the page that tells the rest, ``hash`` is how it is proved."""

    ref: str
    at: Moment
    actor: str
    kind: str
    text: str
    stream: str
    href: str
    hash: str


def rows(found: Sequence[Event], now: datetime) -> tuple[EventView, ...]:
    """In the given order."""
    return tuple(_row(event, now) for event in found)


def said(event: Event) -> str:
    """The event in words, also of streams that no timeline tells."""
    own = OWN.get(event.kind)
    return own(Told(event)) if own and event.data.get("erased") is not True else sentence(Told(event))


def _fires(told: Told) -> str:
    alert = part(told.event.data, "alert")
    held = f", held back by {told['held']}" if told["held"] else ""
    return f"Alert {text(alert, 'rule', 'without a name')} fires on {text(alert, 'service', 'no service')}{held}"


OWN: Mapping[str, Callable[[Told], str]] = {
    "firing.started": _fires,
    "firing.ended": lambda _: "The alert is over",
    "firing.placed": lambda t: f"The alert is part of {t.get('incident', 'no incident')}",
    "firing.steady": lambda _: "The alert no longer comes and goes",
    "silence.begun": lambda t: f"Alerts are held back until {t.at('ends_at')}: {t.get('reason', 'no reason')}",
    "silence.expired": lambda _: "The silence was ended",
    "maintenance.planned": lambda t: f"Maintenance planned: {t.get('name', 'untitled')}, from {t.at('starts_at')}",
    "maintenance.ended": lambda _: "The maintenance was ended, or called off",
    "override.added": lambda t: (
        f"{t.get('who', 'Somebody')} is on call from {t.at('since')} to {t.at('until')}: {t.get('reason', 'no reason')}"
    ),
    "override.removed": lambda _: "An override was taken back",
}
"""Sentences for what happens outside incidents and runs."""


def _row(event: Event, now: datetime) -> EventView:
    return EventView(
        f"{event.stream}#{event.seq}", moment(event.at, now), line(event.actor), line(event.kind), line(said(event)),
        line(event.stream), _href(event.stream), event.hash[:12],
    )  # fmt: skip


def _href(stream: str) -> str:
    sort, _, name = stream.partition(":")
    if not name.replace("-", "").isalnum():
        return ""
    return {"incident": f"/incidents/{name}", "run": f"/runs/{name}", "oncall": "/oncall"}.get(sort, "")

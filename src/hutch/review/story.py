"""The facts of an incident that its documents are written from. What is not known is None, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.model.clock import ClockState
from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.model.impact import USERS
from hutch.model.incident import Incident, fold
from hutch.review.reading import link, number, option_titles, part, text


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change that was applied: what it is called, its action, who approved it, and what verified it."""

    title: str
    action: str
    approved_by: str
    at: datetime
    source: str
    verified: str = ""
    verified_at: datetime | None = None


MEASURED = frozenset({"severity.proposed", "impact.measured"})
"""Kinds of event that hold figures."""


@dataclass(frozen=True, slots=True)
class Story:
    """An incident as its log tells it. ``causes`` are the events that named one, the last one counts; ``users_hit`` is
    what measured the most users affected."""

    incident: Incident
    began_at: datetime
    cause: Event | None
    acknowledged: Event | None
    resolved: Event | None
    remedies: tuple[Remedy, ...]
    users_hit: Event | None = None

    @property
    def users_share(self) -> float | None:
        """The largest share of users, in %, that was measured to be affected; None where nobody measured it."""
        return number(part(self.users_hit.data, "figures"), USERS) if self.users_hit else None

    @property
    def cause_data(self) -> Mapping[str, object]:
        """What was named as the cause; empty where nothing was."""
        return self.cause.data if self.cause else {}

    @property
    def duration(self) -> timedelta | None:
        """From the beginning of the trouble to its resolution."""
        return self.resolved.at - self.began_at if self.resolved else None

    def since_detection(self, event: Event | None) -> timedelta | None:
        """How long after detection something happened."""
        return event.at - self.incident.detected_at if event else None

    def kept(self) -> Iterator[str]:
        """The promises that were met in time, by name."""
        clocks = self.incident.clocks
        return (c.id for c in clocks if c.state is ClockState.MET and not c.late_by)

    def late(self) -> Iterator[tuple[str, timedelta]]:
        """The promises that were met late, and by how much."""
        return ((c.id, c.late_by) for c in self.incident.clocks if c.late_by)

    def broken(self) -> Iterator[str]:
        """The promises that are overdue and still not met."""
        clocks = self.incident.clocks
        return (c.id for c in clocks if c.state is ClockState.RUNNING and c.overdue_said)


def story(own: Sequence[Event], journals: Sequence[Sequence[Event]]) -> Story:
    """The facts in an incident's events and its runs' journals. ``ValueError`` for no events."""
    own, journals = retold(own), [retold(journal) for journal in journals]
    incident = fold(own)
    if incident is None:
        raise ValueError("an incident without events has no story")
    remedies = tuple(r for journal in journals for r in _remedies(tuple(journal)))
    return Story(
        incident,
        incident.began_at or incident.detected_at,
        _last(own, "cause.named"),
        next((e for e in own if e.kind == "incident.acknowledged"), None),
        _last(own, "incident.resolved") if not incident.open else None,
        remedies,
        _most(own, USERS),
    )


def _most(events: Sequence[Event], figure: str) -> Event | None:
    """The event that measured the highest of that figure; the first of equals."""
    known = [
        (value, e)
        for e in events
        if e.kind in MEASURED and (value := number(part(e.data, "figures"), figure)) is not None
    ]
    return max(known, key=lambda k: k[0], default=(0.0, None))[1]


def _last(events: Sequence[Event], kind: str) -> Event | None:
    return next((e for e in reversed(events) if e.kind == kind), None)


def _remedies(journal: tuple[Event, ...]) -> Iterator[Remedy]:
    titles = option_titles(journal)
    approvals = {text(e.data, "option"): e.actor for e in journal if e.kind == "approval.granted"}
    intents = {text(e.data, "item"): e for e in journal if e.kind == "change.intended"}
    proofs = {text(e.data, "option"): e for e in journal if e.kind == "verification.done" and _passed(e)}
    for event in journal:
        if event.kind != "change.done":
            continue
        option = text(event.data, "option")
        intent, proof = intents.get(text(event.data, "item")), proofs.get(option)
        yield Remedy(
            title=titles.get(option, option),
            action=text(part(intent.data, "command"), "runner") if intent else "",
            approved_by=approvals.get(option, ""),
            at=event.at,
            source=link(event),
            verified=text(proof.data, "summary") if proof else "",
            verified_at=proof.at if proof else None,
        )


def _passed(event: Event) -> bool:
    return event.data.get("verdict") == "passed"

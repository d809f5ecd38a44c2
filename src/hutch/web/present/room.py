"""The people, pins, updates and filter of an incident's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.event import Event
from hutch.model.incident import Incident
from hutch.model.message import Audience, Sent
from hutch.model.roles import Role
from hutch.review.timeline import Entry, timeline
from hutch.web.present.words import Moment, line, moment

WORDS_MOST = 10
"""Words of a filter that are looked at."""

NAMES: Mapping[Role, str] = {
    Role.COMMANDER: "Commander",
    Role.SCRIBE: "Scribe",
    Role.COMMUNICATIONS: "Communications lead",
    Role.RESPONDER: "Responders",
}

READS: Mapping[Audience, str] = {
    Audience.RESPONDERS: "those who work on it",
    Audience.STAKEHOLDERS: "those who have to know",
    Audience.CUSTOMERS: "those who use the service",
}
"""Who an audience is, in words."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has a role."""

    who: str
    since: Moment


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role and who has it: nobody, one, or (responders) several."""

    value: str
    name: str
    holders: tuple[Holder, ...]


def people(state: Incident, now: datetime) -> tuple[RoleView, ...]:
    """Every role, the commander first."""
    return tuple(
        RoleView(r.value, NAMES[r], tuple(Holder(line(h.who), moment(h.at, now)) for h in state.roles.get(r, ())))
        for r in Role
    )


# ------------------------------------------------------------------ the filter of the timeline


Keep = Callable[[Entry], bool]


def _begins(*prefixes: str) -> Keep:
    return lambda entry: entry.kind.startswith(prefixes)


SHOWS: Mapping[str, tuple[str, Keep]] = {
    "people": ("What people did", lambda entry: entry.actor != "hutch"),
    "alerts": ("Alerts", _begins("alert", "resolution.")),
    "changes": ("Changes and approvals", _begins("change.", "approval.", "verification.", "decision.", "undo.")),
    "updates": ("Updates and messages", _begins("update.", "message.", "page.")),
    "promises": ("Promises", _begins("clock.")),
}
"""What a timeline can be narrowed to, by the word that stands in the address."""


def keep(show: str, words: str, pins: Iterable[str] = ()) -> Keep:
    """Whether an entry is of that sort (an unknown one is every sort) and has all the words."""
    wanted, held = words.casefold().split()[:WORDS_MOST], frozenset(pins)
    sort = SHOWS[show][1] if show in SHOWS else None

    def kept(entry: Entry) -> bool:
        if show == "pinned" and entry.link not in held:
            return False
        told = f"{entry.actor} {entry.text}".casefold() if wanted else ""
        return (sort is None or sort(entry)) and all(word in told for word in wanted)

    return kept


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned event, in its words."""

    ref: str
    at: Moment
    text: str


def pins(
    refs: Sequence[str], own: Sequence[Event], journals: Sequence[Sequence[Event]], now: datetime
) -> tuple[Pin, ...]:
    """The pinned ones that the timeline still tells, in the order in which they were pinned."""
    if not refs:
        return ()
    wanted = frozenset(refs)
    found = {e.link: e for e in timeline(own, journals) if e.link in wanted}
    return tuple(Pin(ref, moment(found[ref].at, now), line(found[ref].text)) for ref in refs if ref in found)


def corrections(state: Incident) -> Mapping[str, str]:
    """What is true instead of an event, by its reference."""
    return {f"{state.stream}#{seq}": line(text) for seq, text in state.record.corrections.items()}


@dataclass(frozen=True, slots=True)
class FileView:
    """A piece of evidence: the event that attached it, what it is, and who did."""

    seq: int
    name: str
    about: str
    note: str
    at: Moment
    erased: bool


def files(state: Incident, now: datetime) -> tuple[FileView, ...]:
    """All of them, the newest first."""
    return tuple(
        FileView(
            f.seq, line(f.name), line(f"{f.kind}, {f.size:,} bytes, {f.by}"), line(f.note), moment(f.at, now), f.erased
        )
        for f in reversed(state.record.files)
    )


@dataclass(frozen=True, slots=True)
class Impact:
    """Who is hit, the largest part of the users that was measured in % (empty: none), and the severity that what is
    measured speaks for (empty: none that differs)."""

    services: str
    users: str
    share: str
    measured: str
    proposed: str
    why: str


def impact(state: Incident) -> Impact:
    """As it was said, and as it was measured."""
    hit, told = state.record.affected, state.record.proposal
    differs = told is not None and state.open and told.severity is not state.severity
    return Impact(
        line(", ".join(hit.services)),
        line(hit.users),
        "" if hit.share is None else f"{hit.share:g}",
        "" if state.record.measured is None else f"{state.record.measured:.4g}",
        told.severity.label if told and differs else "",
        line(f"{told.criterion}: {told.evidence}") if told and differs else "",
    )


# ------------------------------------------------------------------ updates


@dataclass(frozen=True, slots=True)
class AudienceView:
    """One audience: when it last heard something, and whether a draft waits."""

    value: str
    reads: str
    told: Moment | None
    drafted_by: str


def audiences(own: Sequence[Event], drafts: Mapping[str, Event], now: datetime) -> tuple[AudienceView, ...]:
    """The three of them."""
    last = {str(e.data.get("audience", "")): e.at for e in own if e.kind == "update.posted"}
    return tuple(
        AudienceView(
            a.value,
            READS[a],
            moment(last[a.value], now) if a.value in last else None,
            line(drafts[a.value].actor) if a.value in drafts else "",
        )
        for a in Audience
    )


@dataclass(frozen=True, slots=True)
class SentView:
    """A message that left, or waits to."""

    channel: str
    audience: str
    title: str
    state: str
    said: str
    at: Moment


def sent(found: Sequence[Sent], audience: Audience, now: datetime) -> tuple[SentView, ...]:
    """What went to an audience, the newest first."""
    mine = [s for s in reversed(found) if s.message.audience == audience.value]
    return tuple(
        SentView(
            line(s.message.channel),
            s.message.audience,
            line(s.message.title),
            s.state.value,
            line(s.said),
            moment(s.queued_at, now),
        )
        for s in mine
    )

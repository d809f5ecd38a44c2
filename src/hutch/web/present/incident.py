"""An incident, and the list of them, as the page shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.model.clock import Clock, ClockState
from hutch.model.event import Event
from hutch.model.incident import Incident, Phase
from hutch.model.todo import ActionItem
from hutch.review.reading import text
from hutch.review.sentences import promise
from hutch.review.similar import Like
from hutch.review.timeline import Entry, timeline
from hutch.web.present.words import Moment, line, moment, span
from hutch.web.ran import Ran

HUSHED = frozenset({"statement.output"})
"""Kinds that the timeline does not tell: the steps show them."""

TOLD_MOST = 400
"""Lines of a timeline that a page shows: the newest."""

RUNNING_MOST, ENDED_MOST = 12, 8
"""Promises that a page names: of those that are owed the most urgent, of the others the latest."""

FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PhaseView:
    """One of the five; ``place`` is ``past``, ``now`` or ``ahead``."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Promise:
    """A clock. ``state`` is running, soon, overdue, met, late or cancelled; ``word`` says it."""

    name: str
    state: str
    word: str
    due: Moment


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline."""

    at: Moment
    actor: str
    kind: str
    text: str
    ref: str


@dataclass(frozen=True, slots=True)
class Row:
    """An incident in the list."""

    id: str
    title: str
    service: str
    severity: int
    label: str
    phase: str
    open: bool
    detected: Moment
    ended: Moment | None
    next: Promise | None
    cause: str
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class Before:
    """A past incident that this one is like: what they share, and what helped then."""

    id: str
    title: str
    shares: str
    helped: str


def before(found: Sequence[Like]) -> tuple[Before, ...]:
    """What is shown of them."""
    return tuple(_before(one) for one in found)


def _before(one: Like) -> Before:
    helped = "; ".join(one.helped) or one.resolution
    return Before(line(one.id), line(one.title), line(", ".join(one.shares)), line(helped))


@dataclass(frozen=True, slots=True)
class Item:
    """An action item: what, who, and how it stands."""

    number: int
    text: str
    owner: str
    state: str
    open: bool


@dataclass(frozen=True, slots=True)
class IncidentView:
    """All that a page shows of the incident itself."""

    row: Row
    summary: str
    phases: tuple[PhaseView, ...]
    promises: tuple[Promise, ...]
    promises_left: int  # how many more there are: the timeline tells them
    alerts: tuple[str, ...]
    commander: str
    resolution: str
    watch: Moment | None
    reopened: int
    runs: tuple[str, ...]
    choices: tuple[str, ...]  # the runbooks between which a person has to choose
    proposed: Moment | None  # since when its resolution is proposed
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in the list."""

    id: str
    title: str
    service: str
    document: str
    incident: str
    mode: str
    state: str
    started: Moment

    @property
    def words(self) -> str:
        """All that a search looks at."""
        return " ".join((self.id, self.title, self.service, self.document, self.incident, self.state)).lower()


def view(state: Incident, now: datetime) -> IncidentView:
    """The incident as it stands at ``now``."""
    named = _named(state.clocks)
    return IncidentView(
        row=row(state, now),
        summary=line(state.summary),
        phases=phases(state),
        promises=tuple(promised(c, now) for c in named),
        promises_left=len(state.clocks) - len(named),
        alerts=alerts(state),
        commander=line(state.commander),
        resolution=line(state.resolution),
        watch=moment(state.watch_until, now) if state.watch_until else None,
        reopened=state.reopened,
        runs=state.runs,
        choices=tuple(line(choice) for choice in state.choices) if state.open else (),
        proposed=moment(state.proposed_at, now) if state.open and state.proposed_at else None,
        items=tuple(Item(i.number, line(i.text), line(i.owner), _stands(i, now), i.open) for i in state.items),
    )


def _stands(item: ActionItem, now: datetime) -> str:
    if not item.open:
        return str(item.state)
    return f"overdue since {item.due:%Y-%m-%d}" if item.due <= now else f"due {item.due:%Y-%m-%d}"


def alerts(state: Incident) -> tuple[str, ...]:
    """The rules that fire, and how many more of a storm."""
    named = sorted({line(rule) for rule in state.open_alerts.values()})
    return (*named, *([f"{state.counted_open} more of a storm"] if state.counted_open else []))


def row(state: Incident, now: datetime) -> Row:
    """The incident in one row."""
    due = state.next_promise()
    return Row(
        id=state.id,
        title=line(state.title),
        service=line(state.service),
        severity=int(state.severity),
        label=state.severity.label,
        phase=f"archived in {state.archived.place}" if state.archived else state.phase.value,
        open=state.open,
        detected=moment(state.detected_at, now),
        ended=moment(state.resolved_at, now) if state.resolved_at else None,
        next=promised(due, now) if due else None,
        cause=text(state.cause or {}, "summary"),
        acknowledged_by=line(state.acknowledged_by),
    )


def rows(found: Sequence[Incident], now: datetime) -> tuple[Row, ...]:
    """Open ones first, the promise that is due next first, then the worse severity; resolved ones newest first."""
    open_ones = sorted((i for i in found if i.open), key=_by_due)
    ended = sorted((i for i in found if not i.open), key=lambda i: i.detected_at, reverse=True)
    return tuple(row(i, now) for i in (*open_ones, *ended))


def _by_due(state: Incident) -> tuple[datetime, int, str]:
    due = state.next_promise()
    return (due.due if due else FAR, int(state.severity), state.id)


def run_row(run: Ran, now: datetime) -> RunRow:
    """A run in one row."""
    return RunRow(
        run.id,
        line(run.title),
        line(run.service),
        line(run.document),
        line(run.incident),
        run.mode,
        run.state,
        moment(run.started_at, now),
    )


def phases(state: Incident) -> tuple[PhaseView, ...]:
    """The five, and where the incident is."""
    order = list(Phase)
    here = order.index(state.phase)
    places = ["past"] * here + ["now"] + ["ahead"] * (len(order) - here - 1)
    return tuple(PhaseView(p.value, place) for p, place in zip(order, places, strict=True))


def _named(clocks: Sequence[Clock]) -> list[Clock]:
    """Those that are owed, the most urgent first, then the latest of the others."""
    running = sorted((c for c in clocks if c.state is ClockState.RUNNING), key=_due)
    ended = sorted((c for c in clocks if c.state is not ClockState.RUNNING), key=_due)
    return [*running[:RUNNING_MOST], *ended[-ENDED_MOST:]]


def _due(clock: Clock) -> datetime:
    return clock.due


def promised(clock: Clock, now: datetime) -> Promise:
    """How a clock stands, in words."""
    state, word = _standing(clock, now)
    return Promise(promise(clock.id), state, word, moment(clock.due, now))


def _standing(clock: Clock, now: datetime) -> tuple[str, str]:
    if clock.state is ClockState.CANCELLED:
        return "cancelled", "no longer owed"
    if clock.state is ClockState.MET:
        late = clock.late_by.total_seconds()
        return ("late", f"met late by {span(late)}") if late else ("met", "kept")
    if now >= clock.due:
        return "overdue", "overdue"
    return ("soon", "due soon") if now >= clock.warn_at else ("running", "running")


def told(
    own: Sequence[Event],
    journals: Sequence[Sequence[Event]],
    now: datetime,
    keep: Callable[[Entry], bool] | None = None,
) -> tuple[Line, ...]:
    """The timeline in words, the newest first; ``keep`` says which entries."""
    heard = [[e for e in events if e.kind not in HUSHED] for events in (own, *journals)]
    every = timeline(heard[0], heard[1:])
    entries = (every if keep is None else tuple(filter(keep, every)))[-TOLD_MOST:]
    return tuple(
        Line(moment(e.at, now), line(e.actor), e.kind, line(e.text), f"{e.stream}#{e.seq}") for e in reversed(entries)
    )

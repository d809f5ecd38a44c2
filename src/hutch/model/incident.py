"""An incident is the fold of its events (DESIGN §5). Every transition here is pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from hutch.model import archive, breach, record, roles, todo
from hutch.model.clock import Clock, ClockState
from hutch.model.erasure import GONE, retold
from hutch.model.event import ARCHIVED, Draft, Event, instant, parse_instant
from hutch.model.severity import REVIEW_WITHIN, Policy, Promise, Severity
from hutch.model.todo import ActionItem, ItemState


class Phase(StrEnum):
    """The five phases of the response process, in order."""

    DETECTION = "detection"
    ASSESSMENT = "assessment"
    RESPONSE = "response"
    RESOLUTION = "resolution"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Incident:
    """What an incident is now. ``seq`` is the last event folded in: pass it as ``expect`` when appending."""

    id: str
    seq: int
    title: str
    service: str
    severity: Severity
    phase: Phase
    detected_at: datetime
    declared_at: datetime
    runbook: str = ""
    choices: tuple[str, ...] = ()  # the runbooks between which a person has to choose
    summary: str = ""
    began_at: datetime | None = None  # when the trouble began, as far as an alert knows: its condition first held
    open_alerts: Mapping[str, str] = field(default_factory=dict)  # alert key -> rule
    alerts: tuple[str, ...] = ()  # the alert keys that ever joined, each told by an event of its own
    labels: Mapping[str, str] | None = None  # those on which all alerts with labels agree; None before the first
    counted: int = 0  # alerts that joined in a storm, after those: only their number is told
    counted_open: int = 0  # how many of those still fire
    alerted_at: datetime | None = None  # when an alert last joined or ended
    family: str = ""  # what its alerts are about, see hutch.detection.grouping
    proposed_at: datetime | None = None  # when its resolution was proposed, since every alert had ended
    runs: tuple[str, ...] = ()
    acknowledged_by: str = ""
    commander: str = ""
    roles: roles.Roles = field(default_factory=dict)
    resolved_at: datetime | None = None
    resolution: str = ""
    watch_until: datetime | None = None
    reopened: int = 0
    cause: Mapping[str, object] | None = None  # the first cause of the latest diagnosis, as JSON
    clocks: tuple[Clock, ...] = ()
    items: tuple[ActionItem, ...] = ()
    record: record.Record = field(default_factory=record.Record)
    held: str = ""  # why it must stay in the store, by whoever placed the hold
    archived: archive.Archived | None = None  # where its events lie; what is told here may then be no more than a stub

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about the service."""
        return self.resolved_at is None

    @property
    def firing(self) -> bool:
        """Whether any of its alerts still fires."""
        return bool(self.open_alerts) or self.counted_open > 0

    @property
    def alerted(self) -> int:
        """How many alerts ever joined."""
        return len(self.alerts) + self.counted

    @property
    def stream(self) -> str:
        """The name of its event stream."""
        return stream_of(self.id)

    def clock(self, name: str) -> Clock | None:
        """The running clock of that name, if any."""
        return next((c for c in self.clocks if c.name == name and c.state is ClockState.RUNNING), None)

    def next_promise(self) -> Clock | None:
        """The running clock that is due first."""
        running = [c for c in self.clocks if c.state is ClockState.RUNNING]
        return min(running, key=lambda c: c.due, default=None)


def stream_of(incident_id: str) -> str:
    """``incident:INC-2026-001``."""
    return f"incident:{incident_id}"


def next_id(existing: Iterable[str], year: int) -> str:
    """The next free ``INC-YYYY-NNN`` of that year."""
    prefix = f"INC-{year}-"
    numbers = [int(i.removeprefix(prefix)) for i in existing if i.startswith(prefix)]
    return f"{prefix}{max(numbers, default=0) + 1:03d}"


# ------------------------------------------------------------------ folding


def fold(events: Iterable[Event], state: Incident | None = None) -> Incident | None:
    """The incident that these events tell of, from the first, or from the one after ``state``; None without any."""
    last = None
    for event in events if state else retold(list(events)):
        state, last = (_first(event) if state is None else _apply(state, event)), event
    return replace(state, seq=last.seq) if state and last else state  # once: evolving it costs more than most events do


def _first(event: Event) -> Incident:
    data = event.data
    found = _declared(event, data)
    return _stub(found, event) if event.kind == ARCHIVED else found


def _stub(found: Incident, event: Event) -> Incident:
    """What a mark tells of an incident whose events lie in an archive."""
    resolution, first, commander = (
        str(event.data.get(name) or "") for name in ("resolution", "acknowledged_by", "commander")
    )
    ended, declared = (archive.told_time(event.data, name) for name in ("resolved_at", "declared_at"))
    return replace(
        found,
        phase=Phase.REVIEW,
        declared_at=declared or event.at,
        resolved_at=ended or event.at,
        archived=archive.archived(event),
        resolution=resolution,
        acknowledged_by=first,
        commander=commander,
    )


def _declared(event: Event, data: Mapping[str, object]) -> Incident:
    return Incident(
        id=event.stream.removeprefix("incident:"),
        seq=event.seq,
        title=str(data.get("title", GONE)),
        service=str(data["service"]),
        severity=Severity.of(str(data["severity"])),
        phase=Phase.DETECTION,
        detected_at=parse_instant(str(data["detected_at"])),
        declared_at=event.at,
        runbook=str(data.get("runbook", "")),
        summary=str(data.get("summary", "")),
        record=record.opened(data),
    )


def _apply(state: Incident, event: Event) -> Incident:
    if event.data.get("erased") is True:
        return state
    if event.kind in record.KINDS:
        return replace(state, record=record.after(state.record, event))
    handler = _FOLDS.get(event.kind)
    return handler(state, event) if handler else state


def _alert_fired(state: Incident, event: Event) -> Incident:
    key, rule = str(event.data["key"]), str(event.data["rule"])
    alerts = state.alerts if key in state.alerts else (*state.alerts, key)
    since = event.data.get("since")
    began = state.began_at or (parse_instant(str(since)) if since else None)
    open_alerts, family = {**state.open_alerts, key: rule}, state.family or str(event.data.get("family", ""))
    labels = _agreed(state.labels, event.data.get("labels"))
    return replace(
        state,
        open_alerts=open_alerts,
        alerts=alerts,
        began_at=began,
        alerted_at=event.at,
        family=family,
        labels=labels,
    )


def _agreed(known: Mapping[str, str] | None, new: object) -> Mapping[str, str] | None:
    if not isinstance(new, Mapping):
        return known
    told = {str(name): str(value) for name, value in new.items()}
    return told if known is None else {name: value for name, value in known.items() if told.get(name) == value}


def _alert_resolved(state: Incident, event: Event) -> Incident:
    still = {k: r for k, r in state.open_alerts.items() if k != event.data["key"]}
    return replace(state, open_alerts=still, alerted_at=event.at)


def _alerts_counted(state: Incident, event: Event) -> Incident:
    """A storm: how many more alerts joined and ended."""
    joined, ended = int(str(event.data["joined"])), int(str(event.data["ended"]))
    still = max(state.counted_open + joined - ended, 0)
    return replace(state, counted=state.counted + joined, counted_open=still, alerted_at=event.at)


def _runbook_asked(state: Incident, event: Event) -> Incident:
    given = event.data["choices"]
    found = tuple(str(c["runbook"]) for c in given if isinstance(c, Mapping)) if isinstance(given, list | tuple) else ()
    return replace(state, choices=found)


def _with_roles(state: Incident, held: roles.Roles) -> Incident:
    commander = held.get(roles.Role.COMMANDER, ())
    return replace(state, roles=held, commander=commander[0].who if commander else "")


def _clock_started(state: Incident, event: Event) -> Incident:
    clock = Clock(
        name=str(event.data["clock"]),
        number=int(str(event.data["number"])),
        start=parse_instant(str(event.data["start"])),
        due=parse_instant(str(event.data["due"])),
    )
    return replace(state, clocks=(*state.clocks, clock))


def _on_clock(state: Incident, event: Event, change: Callable[[Clock], Clock]) -> Incident:
    clocks = tuple(change(c) if c.id == event.data["clock"] else c for c in state.clocks)
    return replace(state, clocks=clocks)


def _reopened(state: Incident, _event: Event) -> Incident:
    return replace(
        state,
        resolved_at=None,
        watch_until=None,
        phase=Phase.RESPONSE,
        reopened=state.reopened + 1,
        resolution="",
        proposed_at=None,
    )


_FOLDS: Mapping[str, Callable[[Incident, Event], Incident]] = {
    "alert.fired": _alert_fired,
    "alert.resolved": _alert_resolved,
    "alerts.counted": _alerts_counted,
    "resolution.proposed": lambda s, e: replace(s, proposed_at=e.at),
    "resolution.withdrawn": lambda s, _: replace(s, proposed_at=None),
    "runbook.chosen": lambda s, e: replace(s, runbook=str(e.data["runbook"]), choices=()),
    "runbook.asked": _runbook_asked,
    "phase.changed": lambda s, e: replace(s, phase=Phase(str(e.data["to"]))),
    "run.linked": lambda s, e: replace(s, runs=(*s.runs, str(e.data["run"]))),
    "cause.named": lambda s, e: replace(s, cause=dict(e.data)),
    "incident.acknowledged": lambda s, e: replace(s, acknowledged_by=s.acknowledged_by or e.actor),
    "commander.assigned": lambda s, e: _with_roles(s, roles.assigned(s.roles, e)),
    "role.assigned": lambda s, e: _with_roles(s, roles.assigned(s.roles, e)),
    "role.released": lambda s, e: _with_roles(s, roles.released(s.roles, e)),
    "severity.changed": lambda s, e: replace(s, severity=Severity.of(str(e.data["to"]))),
    "incident.resolved": lambda s, e: replace(s, resolved_at=e.at, resolution=str(e.data["resolution"])),
    "incident.reopened": _reopened,
    "watch.started": lambda s, e: replace(s, watch_until=parse_instant(str(e.data["until"]))),
    "watch.passed": lambda s, _: replace(s, watch_until=None),
    "item.added": lambda s, e: replace(s, items=todo.added(s.items, e.data)),
    "item.changed": lambda s, e: replace(s, items=todo.changed(s.items, e.data)),
    "item.done": lambda s, e: replace(s, items=todo.ended(s.items, e.data, ItemState.DONE, e.at)),
    "item.dropped": lambda s, e: replace(s, items=todo.ended(s.items, e.data, ItemState.DROPPED, e.at)),
    ARCHIVED: lambda s, e: replace(s, archived=archive.archived(e)),
    archive.RESTORED: lambda s, _: replace(s, archived=None),
    archive.HELD: lambda s, e: replace(s, held=str(e.data["reason"])),
    archive.RELEASED: lambda s, _: replace(s, held=""),
    "clock.started": _clock_started,
    "clock.warned": lambda s, e: _on_clock(s, e, lambda c: replace(c, warned=True)),
    "clock.overdue": lambda s, e: _on_clock(s, e, lambda c: replace(c, warned=True, overdue_said=True)),
    "clock.met": lambda s, e: _on_clock(s, e, lambda c: c.met(e.at)),
    "clock.cancelled": lambda s, e: _on_clock(s, e, lambda c: c.cancelled(e.at)),
}

KINDS = frozenset(
    {
        "incident.declared",
        "note.added",
        "update.posted",
        "review.drafted",
        "review.published",
        "alert.flapping",
        "person.admitted",
        "incident.closed_off",
        *_FOLDS,
        *record.KINDS,
        *archive.KINDS,
        *breach.KINDS,
    }
)
"""Every kind of event that an incident's stream may hold."""


# ------------------------------------------------------------------ the promises (decide; the caller appends)


def start_clock(state: Incident | None, name: str, start: datetime, due: datetime, why: str) -> Draft:
    """The event that starts the next clock of that name."""
    number = 1 + sum(1 for c in (state.clocks if state else ()) if c.name == name)
    return Draft(
        "clock.started",
        {"clock": name, "number": number, "start": instant(start), "due": instant(due), "why": why},
    )


def first_clocks(severity: Severity, detected_at: datetime, policy: Policy) -> list[Draft]:
    """The promises that opening an incident makes: a response, and updates where the policy has a cadence."""
    return owed(None, detected_at, policy[severity], f"{severity.label} response", f"{severity.label} updates")


def owed(state: Incident | None, start: datetime, promise: Promise, response: str, update: str) -> list[Draft]:
    """The clocks of a response and of updates that begin at ``start``; ``response`` and ``update`` say why."""
    drafts = [start_clock(state, "response", start, promise.response_due(start), response)]
    if promise.update:
        drafts.append(start_clock(state, "update", start, start + promise.update, update))
    return drafts


def meet(state: Incident, name: str, at: datetime) -> list[Draft]:
    """Ends the running clock of that name as met, saying by how much it was late."""
    clock = state.clock(name)
    if clock is None:
        return []
    late = clock.met(at).late_by.total_seconds()
    return [Draft("clock.met", {"clock": clock.id, "late_by": late})]


def after_update(state: Incident, at: datetime, policy: Policy) -> list[Draft]:
    """An update was posted at ``at``: that promise is met and, while the incident is open, the next one starts."""
    cadence = policy[state.severity].update
    again = [start_clock(state, "update", at, at + cadence, f"{state.severity.label} updates")] if cadence else []
    return meet(state, "update", at) + (again if state.open else [])


def after_severity(state: Incident, to: Severity, policy: Policy) -> list[Draft]:
    """A changed severity re-dues what is not yet met, from the same start (DESIGN §5)."""
    response, update, cadence = state.clock("response"), state.clock("update"), policy[to].update
    why = f"severity is now {to.label}"
    drafts = [Draft("clock.cancelled", {"clock": c.id, "why": why}) for c in (response, update) if c]
    if response:
        due = policy[to].response_due(response.start)
        drafts.append(start_clock(state, "response", response.start, due, f"{to.label} response"))
    if cadence and state.open:
        start = update.start if update else state.detected_at
        drafts.append(start_clock(state, "update", start, start + cadence, f"{to.label} updates"))
    return drafts


def after_resolution(state: Incident, at: datetime) -> list[Draft]:
    """Resolved at ``at``: no more updates are owed, the review is, within 48 hours."""
    update = state.clock("update")
    ended = [Draft("clock.cancelled", {"clock": update.id, "why": "resolved"})] if update else []
    answered = meet(state, "response", at)
    return [*ended, *answered, start_clock(state, "review", at, at + REVIEW_WITHIN, "post-incident review within 48 h")]


def rings(state: Incident, now: datetime) -> list[Draft]:
    """What its clocks have to say at ``now``: each warning and each overdue promise once, however late we wake."""
    said = []
    for clock in state.clocks:
        ring = clock.rings(now)
        if ring:
            kind = "clock.overdue" if ring == "overdue" else "clock.warned"
            said.append(Draft(kind, {"clock": clock.id, "due": instant(clock.due)}))
    return said


def rung(state: Incident, now: datetime) -> Incident:
    """The same after what :func:`rings` says at ``now`` was said."""
    return replace(state, clocks=tuple(clock.rung(now) for clock in state.clocks))


def next_ring(state: Incident) -> datetime | None:
    """When :func:`rings` next has something to say."""
    times = [t for t in (c.next_ring() for c in state.clocks) if t]
    return min(times, default=None)


def move(state: Incident, to: Phase, reason: str, actor: str = "hutch") -> list[Draft]:
    """The step to a later phase; nothing where it is there or past it."""
    order = list(Phase)
    if order.index(to) <= order.index(state.phase):
        return []
    return [Draft("phase.changed", {"from": state.phase.value, "to": to.value, "reason": reason}, actor)]

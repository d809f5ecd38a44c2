"""What is kept with an incident beside its course: who may see it, what it hits, evidence, pins, corrections. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hutch.model.event import Event
from hutch.model.impact import USERS
from hutch.model.severity import Severity


@dataclass(frozen=True, slots=True)
class Proposal:
    """A severity that the measured impact speaks for: the criterion that it meets, and the figure."""

    severity: Severity
    criterion: str
    condition: str
    evidence: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class File:
    """A piece of evidence: ``seq`` is its event, ``sha256`` the address of its content, ``size`` in bytes."""

    seq: int
    name: str
    sha256: str
    size: int
    kind: str
    note: str
    by: str
    at: datetime
    erased: bool = False
    place: str = ""  # where it was put; empty for what an earlier version attached


@dataclass(frozen=True, slots=True)
class Affected:
    """Who is hit: services beside the incident's own, and users, in words and as a share in %."""

    services: tuple[str, ...] = ()
    users: str = ""
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All of it. ``measured`` is the largest share of users, in %, that was measured to be hit. ``only`` are the people
    who were let in to a private incident by name; ``pins`` are references (``incident:INC-2026-001#12``),
    ``corrections`` go by the number of the event that they are about."""

    proposal: Proposal | None = None
    exercise: bool = False
    private: bool = False
    only: tuple[str, ...] = ()
    affected: Affected = field(default_factory=Affected)
    measured: float | None = None
    files: tuple[File, ...] = ()
    pins: tuple[str, ...] = ()
    corrections: Mapping[int, str] = field(default_factory=dict)


def opened(data: Mapping[str, object]) -> Record:
    """The record that an incident begins with, from the data of its first event."""
    return Record(exercise=bool(data.get("exercise")), private=bool(data.get("private")))


def after(record: Record, event: Event) -> Record:
    """The record after one more event."""
    change = _FOLDS.get(event.kind)
    return change(record, event) if change else record


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()


def _with(record: Record, who: str) -> Record:
    return replace(record, only=tuple(dict.fromkeys((*record.only, who))))


def _proposed(record: Record, event: Event) -> Record:
    told = {key: str(event.data.get(key, "")) for key in ("criterion", "condition", "evidence")}
    severity = Severity.of(str(event.data["severity"]))
    proposal = Proposal(severity, **told, at=event.at, by=event.actor)
    return replace(_measured(record, event), proposal=proposal)


def _measured(record: Record, event: Event) -> Record:
    figures = event.data.get("figures")
    share = figures.get(USERS) if isinstance(figures, Mapping) else None
    if not isinstance(share, int | float) or (record.measured is not None and share <= record.measured):
        return record
    return replace(record, measured=float(share))


def _affected(record: Record, event: Event) -> Record:
    share = event.data.get("share")
    found = Affected(
        _names(event.data.get("services")),
        str(event.data.get("users", "")),
        float(str(share)) if isinstance(share, int | float) else None,
    )
    return replace(record, affected=found)


def _attached(record: Record, event: Event) -> Record:
    d = event.data
    size = int(str(d.get("size", 0)))
    texts = [str(d.get(key, "")) for key in ("name", "sha256", "type", "note", "place")]
    name, digest, kind, note, place = texts
    found = File(event.seq, name, digest, size, kind, note, event.actor, event.at, place=place)
    return replace(record, files=(*record.files, found))


def _file_erased(record: Record, event: Event) -> Record:
    digest = event.data.get("attachment")
    if not digest:
        return record
    files = tuple(replace(f, erased=True) if f.sha256 == digest else f for f in record.files)
    return replace(record, files=files)


def _pinned(record: Record, event: Event) -> Record:
    return replace(record, pins=tuple(dict.fromkeys((*record.pins, str(event.data.get("ref", ""))))))


def _unpinned(record: Record, event: Event) -> Record:
    return replace(record, pins=tuple(ref for ref in record.pins if ref != event.data.get("ref")))


def _corrected(record: Record, event: Event) -> Record:
    about = event.data.get("event")
    if not isinstance(about, int):
        return record
    return replace(record, corrections={**record.corrections, about: str(event.data.get("text", ""))})


_FOLDS: Mapping[str, Callable[[Record, Event], Record]] = {
    "severity.proposed": _proposed,
    "impact.measured": _measured,
    "incident.closed_off": lambda r, e: _with(replace(r, private=True), e.actor),
    "person.admitted": lambda r, e: _with(r, str(e.data.get("who", ""))),
    "incident.public": lambda r, _: replace(r, private=False),
    "affected.changed": _affected,
    "evidence.attached": _attached,
    "event.erased": _file_erased,
    "event.pinned": _pinned,
    "event.unpinned": _unpinned,
    "event.corrected": _corrected,
}

KINDS = frozenset(_FOLDS)
"""The kinds of event that it is the fold of."""

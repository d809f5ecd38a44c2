"""A breach as pages show it: the register, the gates with their proofs, the promises, whom it reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hutch.model.breach import CLOCKS, GATES, RESET, STAGES, Breach, Gate
from hutch.model.event import parse_instant
from hutch.model.incident import Incident
from hutch.review.breach_documents import open_places
from hutch.web.present.incident import Promise, promised
from hutch.web.present.run import RunView
from hutch.web.present.words import Moment, block, line, moment

PEOPLE_MOST, TRAIL_MOST = 50, 40
"""People, and addresses, that a page lists; the kept file has all."""

BAR = 100.0
"""Units of the time line's width."""

NAMES: Mapping[str, str] = {
    "contain": "Contain", "assess": "Assess", "notify": "Notify", "document": "Document",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A breach in the register: what is next in it, and the promise that is due first."""

    id: str
    name: str
    service: str
    aware: Moment
    passed: int
    gates: int
    next: str
    promise: Promise | None
    people: str


def row(state: Incident, found: Breach, now: datetime) -> Row:
    """One line of the register."""
    upcoming = found.next_gate()
    passed = sum(gate.id in found.passed for gate in GATES)
    running = [p for p in promises(state, now) if p.state in ("running", "soon", "overdue")]
    return Row(
        state.id, line(found.code_name), line(state.service), moment(found.aware_at, now), passed,
        len(GATES), line(upcoming.title) if upcoming else "", next(iter(running), None),
        line(found.figures.get("people", "")),
    )  # fmt: skip


def promises(state: Incident, now: datetime) -> list[Promise]:
    """Containment, assessment, notice: how each stands."""
    clocks = {clock.name: clock for clock in state.clocks}
    return [replace(promised(clocks[name], now), name=name) for name, _ in CLOCKS.values() if name in clocks]


@dataclass(frozen=True, slots=True)
class GateView:
    """``state`` is passed, next or ahead; ``run`` the one that passed it, or is to."""

    id: str
    title: str
    state: str
    at: Moment | None
    by: str
    proof: str
    run: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage with its promise, where it has one, and its gates in order."""

    id: str
    name: str
    promise: Promise | None
    gates: tuple[GateView, ...]
    state: str


def stages(state: Incident, found: Breach, now: datetime) -> tuple[Stage, ...]:
    """The four, in order."""
    kept = dict(zip(CLOCKS, promises(state, now), strict=False))
    return tuple(_stage(name, found, kept.get(name), now) for name in STAGES)


def _stage(name: str, found: Breach, kept: Promise | None, now: datetime) -> Stage:
    views = tuple(_gate(gate, found, now) for gate in GATES if gate.stage == name)
    states = {view.state for view in views}
    stands = "next" if "next" in states else "passed" if states == {"passed"} else "ahead"
    return Stage(name, NAMES[name], kept, views, stands)


def _gate(gate: Gate, found: Breach, now: datetime) -> GateView:
    run = line(found.runs.get(gate.id, ""))
    if done := found.passed.get(gate.id):
        shown = moment(done.at, now)
        return GateView(gate.id, gate.title, "passed", shown, line(done.by), block(done.proof), line(done.run) or run)
    stands = "next" if found.next_gate() == gate else "ahead"
    return GateView(gate.id, gate.title, stands, None, "", "", run)


@dataclass(frozen=True, slots=True)
class Reset:
    """New passwords for everybody: the run that waits or ended, and what proves them once they are kept."""

    run: RunView | None
    done: GateView | None


def reset(found: Breach, run: RunView | None, now: datetime) -> Reset | None:
    """None before containment was proved: passwords that are chosen now would be lost as well."""
    if "prove" not in found.passed:
        return None
    gate = Gate(RESET, "document", "Reset all user passwords")
    return Reset(run, _gate(gate, found, now) if RESET in found.passed else None)


# ------------------------------------------------------------------ whom it reached


@dataclass(frozen=True, slots=True)
class Reached:
    """An account: what was taken and looked at, beside what is usual for it and for everybody."""

    account: str
    exported: int
    accessed: int
    own: float
    everybody: float
    unusual: bool
    addresses: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Trail:
    """An address on the time line: from ``x``, ``width`` units long; in words beside it."""

    address: str
    x: float
    width: float
    first: str
    last: str
    exported: int
    accessed: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What an assessment found. ``more`` people, and addresses, are not listed."""

    since: str
    until: str
    people: tuple[Reached, ...]
    total: int
    unusual: int
    categories: str
    trail: tuple[Trail, ...]
    trails: int
    suspicious: tuple[tuple[str, int, int], ...]
    hours: tuple[tuple[str, str, int], ...]
    wide: int
    wide_by: int
    languages: str


def reach(found: Mapping[str, Any]) -> Reach:
    """The assessment as :func:`hutch.commands.breach.telling.assess` gives it, or as it was kept."""
    trail, people = found.get("trail", []), found["people"]
    span = _time(found["since"]), _time(found["until"])
    return Reach(
        _said(span[0]), _said(span[1]),
        tuple(_reached(p) for p in people[:PEOPLE_MOST]), len(people), int(found["unusual"]),
        line(", ".join(found["categories"])),
        tuple(_trail(t, *span) for t in trail[:TRAIL_MOST]), len(trail),
        tuple((line(r["event"]), int(r["events"]), int(r["addresses"])) for r in found["suspicious"]),
        tuple((_said(_time(r["hour"])), line(r["what"]), int(r["count"])) for r in found["hours"][:200]),
        int(found["wide"]["times"]), int(found["wide"]["accounts"]),
        ", ".join(f"{int(count)} {line(name) or 'not known'}" for name, count in found.get("languages", {}).items()),
    )  # fmt: skip


def _reached(person: Mapping[str, Any]) -> Reached:
    return Reached(
        line(person["account"]), int(person["exported"]), int(person["accessed"]), float(person.get("own", 0.0)),
        float(person.get("usual_of_all", 0.0)), bool(person["unusual"]), line(", ".join(person["addresses"][:3])),
        _said(_time(person["first"])), _said(_time(person["last"])),
    )  # fmt: skip


def _trail(found: Mapping[str, Any], since: datetime, until: datetime) -> Trail:
    first, last = _time(found["first"]), _time(found["last"])
    whole = max((until - since).total_seconds(), 1.0)
    x = min(max((first - since).total_seconds() / whole, 0.0), 1.0) * BAR
    width = max(min((last - first).total_seconds() / whole, 1.0) * BAR, 1.0)
    return Trail(
        line(found["address"]), round(min(x, BAR - 1.0), 2), round(min(width, BAR - x + 1.0), 2), _said(first),
        _said(last), int(found["exported"]), int(found["accessed"]), int(found["accounts"]),
    )  # fmt: skip


def _time(text: object) -> datetime:
    return parse_instant(str(text))


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


# ------------------------------------------------------------------ what is written


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is drafted, and how much in it is still to be said."""

    text: str
    open: tuple[str, ...]


def draft(text: str) -> Draft:
    """It, with nothing hidden in it."""
    return Draft(block(text), tuple(line(one) for one in open_places(text)))


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice to the authority that went out."""

    phase: int
    at: Moment
    by: str
    how: str


def notices(found: Breach, now: datetime) -> Sequence[NoticeView]:
    """In order."""
    return [NoticeView(n.phase, moment(n.at, now), line(n.by), line(n.how)) for n in found.notices]

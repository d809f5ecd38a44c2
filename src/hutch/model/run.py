"""A run: its program, and its state as the fold of its journal (DESIGN §4).

The program is what was read from the document when the run started: the journal holds it whole, so that a run
can be understood, and driven on, from its journal alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from hutch.model.event import Event, parse_instant
from hutch.model.program import Option, Program, option_from, program_from


class ChangeState(StrEnum):
    """How far an option has come. ``INTENDED`` with no outcome after a crash is an unknown outcome."""

    OFFERED = "offered"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    UNDECIDED = "undecided"  # a person must say what happened


ENDED = frozenset(
    {ChangeState.DENIED, ChangeState.EXPIRED, ChangeState.FAILED, ChangeState.VERIFIED, ChangeState.UNVERIFIED}
)
"""States from which an option does not move on by itself."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An offered option and what became of it."""

    option: Option
    state: ChangeState = ChangeState.OFFERED
    digest: str = ""
    target: str = ""
    preview: Mapping[str, object] = field(default_factory=dict)
    expires_at: datetime | None = None
    needed: int = 1  # different people who must approve it
    by: tuple[str, ...] | None = None  # who may; None: anybody
    approvals: tuple[str, ...] = ()
    approved_by: str = ""  # all who approved it, once they are enough
    started_at: datetime | None = None
    done_items: int = 0  # statements of the option that have an outcome
    intent_open: bool = False
    verify_from: datetime | None = None
    verify_again: datetime | None = None
    reason: str = ""
    intended_by: str = ""  # the driver that wrote the open intent


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is now. ``seq`` is the last journal event folded in."""

    id: str
    seq: int
    service: str
    title: str
    document: str
    document_hash: str
    incident: str
    mode: str  # act observe dry-run
    started_at: datetime
    program: Program
    read: Mapping[str, str] = field(default_factory=dict)  # item id -> passed failed refused
    diagnosed: bool = False
    healthy: bool | None = None
    causes: tuple[Mapping[str, object], ...] = ()
    document_path: str = ""  # where the document was found
    service_hash: str = ""  # of the service's configuration when it started; empty in old journals
    ranked: bool = False
    chosen: tuple[Chosen, ...] = ()
    cancelled_by: str = ""
    outcome: str = ""  # resolved healthy unresolved cancelled proposed
    summary: str = ""

    @property
    def stream(self) -> str:
        """The name of its journal."""
        return f"run:{self.id}"

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or not."""
        return bool(self.outcome)

    def option(self, option_id: str) -> Chosen | None:
        """The offered option of that id, or by its number ("1") or name."""
        return next((c for c in self.chosen if option_id in (c.option.id, str(c.option.number or ""))), None)

    def in_state(self, *states: ChangeState) -> tuple[Chosen, ...]:
        """The offered options that are in one of the states, in rank order."""
        return tuple(c for c in self.chosen if c.state in states)

    @property
    def waiting(self) -> str:
        """What it waits for, in a word: ``approval``, ``decision``, ``verification``, or nothing."""
        if self.finished:
            return ""
        if self.in_state(ChangeState.UNDECIDED):
            return "decision"
        if any(c.verify_again for c in self.in_state(ChangeState.DONE)):
            return "verification"
        return "approval" if self.in_state(ChangeState.OFFERED) and self.ranked else ""


def fold(journal: Iterable[Event]) -> Run | None:
    """The run that a journal tells of; None for an empty one."""
    state: Run | None = None
    for event in journal:
        if state is None:
            state = _started(event)
        else:
            handler = _FOLDS.get(event.kind)
            state = replace(handler(state, event) if handler else state, seq=event.seq)
    return state


def _started(event: Event) -> Run:
    data = event.data
    return Run(
        id=event.stream.removeprefix("run:"),
        seq=event.seq,
        service=str(data["service"]),
        title=str(data["title"]),
        document=str(data["document"]),
        document_hash=str(data["hash"]),
        incident=str(data["incident"]),
        mode=str(data["mode"]),
        started_at=event.at,
        program=program_from(data["program"]),  # type: ignore[arg-type]
        service_hash=str(data.get("service_hash", "")),
        document_path=str(data.get("path", "")),
    )


def _diagnosed(state: Run, event: Event) -> Run:
    causes: Sequence[Mapping[str, object]] = event.data["causes"]  # type: ignore[assignment]
    healthy = event.data["healthy"]
    return replace(state, diagnosed=True, causes=tuple(causes), healthy=None if healthy is None else bool(healthy))


def _offered(state: Run, event: Event) -> Run:
    data = event.data
    expires = data.get("expires_at")
    offer = Chosen(
        option=option_from(data["option"]),  # type: ignore[arg-type]
        digest=str(data["digest"]),
        target=str(data["target"]),
        preview=dict(data["preview"]),  # type: ignore[call-overload]
        expires_at=parse_instant(str(expires)) if expires else None,
        needed=int(str(data.get("approvers", 1))),
        by=None if data.get("by") is None else tuple(str(p) for p in data["by"]),  # type: ignore[attr-defined]
    )
    kept = tuple(c for c in state.chosen if c.option.id != offer.option.id)
    return replace(state, chosen=(*kept, offer))


def _on(change: Callable[[Chosen, Event], Chosen]) -> Callable[[Run, Event], Run]:
    """A fold step that changes the one option which the event names."""

    def step(state: Run, event: Event) -> Run:
        chosen = tuple(change(c, event) if c.option.id == event.data["option"] else c for c in state.chosen)
        return replace(state, chosen=chosen)

    return step


def _granted(chosen: Chosen, event: Event) -> Chosen:
    given = tuple(dict.fromkeys((*chosen.approvals, event.actor)))
    if len(given) < chosen.needed:
        return replace(chosen, approvals=given)
    return replace(chosen, approvals=given, state=ChangeState.APPROVED, approved_by=", ".join(given))


def _done(chosen: Chosen, event: Event) -> Chosen:
    items = chosen.done_items + 1
    whole = items >= len(chosen.option.items)
    return replace(
        chosen,
        done_items=items,
        intent_open=False,
        state=ChangeState.DONE if whole else ChangeState.APPROVED,
        verify_from=event.at,
    )


def _verified(chosen: Chosen, event: Event) -> Chosen:
    verdict = str(event.data["verdict"])
    if verdict == "pending":
        return replace(chosen, verify_again=parse_instant(str(event.data["again_at"])))
    states = {"passed": ChangeState.VERIFIED, "failed": ChangeState.UNVERIFIED, "unknown": ChangeState.UNDECIDED}
    return replace(
        chosen, verify_again=None, intent_open=False, state=states[verdict], reason=str(event.data["summary"])
    )


def _decided(chosen: Chosen, event: Event) -> Chosen:
    states = {"worked": ChangeState.VERIFIED, "failed": ChangeState.UNVERIFIED}
    return replace(
        chosen, state=states[str(event.data["choice"])], reason=f"decided by {event.actor}", intent_open=False
    )


_FOLDS: Mapping[str, Callable[[Run, Event], Run]] = {
    "statement.finished": lambda s, e: replace(s, read={**s.read, str(e.data["item"]): str(e.data["status"])}),
    "diagnosis.made": _diagnosed,
    "options.ranked": lambda s, _: replace(s, ranked=True),
    "approval.requested": _offered,
    "approval.granted": _on(_granted),
    "approval.denied": _on(lambda c, e: replace(c, state=ChangeState.DENIED, reason=str(e.data["reason"]))),
    "approval.expired": _on(lambda c, _: replace(c, state=ChangeState.EXPIRED, reason="nobody approved it in time")),
    "approval.withdrawn": _on(lambda c, e: replace(c, state=ChangeState.DENIED, reason=str(e.data["reason"]))),
    "change.intended": _on(
        lambda c, e: replace(
            c, state=ChangeState.INTENDED, intent_open=True, started_at=c.started_at or e.at, intended_by=e.actor
        )
    ),
    "change.done": _on(_done),
    "change.failed": _on(
        lambda c, e: replace(c, state=ChangeState.FAILED, intent_open=False, reason=str(e.data["summary"]))
    ),
    "change.unknown": _on(
        lambda c, e: replace(
            c, state=ChangeState.UNKNOWN, intent_open=False, verify_from=e.at, reason=str(e.data["summary"])
        )
    ),
    "verification.done": _on(_verified),
    "decision.made": _on(_decided),
    "run.cancelled": lambda s, e: replace(s, cancelled_by=e.actor),
    "run.finished": lambda s, e: replace(s, outcome=str(e.data["outcome"]), summary=str(e.data["summary"])),
}

KINDS = frozenset(
    {"run.started", "statement.started", "statement.output", "check.finished", "document.changed", *_FOLDS}
)
"""Every kind of event that a run's journal may hold."""

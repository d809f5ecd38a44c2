"""A run: its program, and its state as the fold of its journal (DESIGN §4).

The program is what was read from the document when the run started: the journal holds it whole, so that a run
can be understood, and driven on, from its journal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hutch.model.program import Item, Option, Program


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
    signed_in: bool = False  # only approvals of people who signed in count
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
    passed_over: frozenset[str] = frozenset()  # statements that were not needed, or failed and were to be gone past
    tries: int = 0  # of the statement that is next
    try_again: datetime | None = None
    besides: frozenset[str] = frozenset()  # codes of other causes that were still there when it was verified
    firing: frozenset[str] = frozenset()  # those of which an alert fired
    unseen: bool = False  # its next statement was rendered after it was approved: it is asked for anew

    @property
    def next(self) -> Item | None:
        """The statement that is next; None when each has an outcome."""
        return self.option.items[self.done_items] if self.done_items < len(self.option.items) else None


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
    left_out: tuple[tuple[str, str], ...] = ()  # options that are not offered: title, why
    chosen: tuple[Chosen, ...] = ()
    cancelled_by: str = ""
    outcome: str = ""  # resolved healthy unresolved cancelled proposed done
    summary: str = ""
    values: Mapping[str, str] = field(default_factory=dict)  # known when it started; captured ones are added
    captured: Mapping[str, str] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()  # captured, and never shown or stored
    documents: Mapping[str, str] = field(default_factory=dict)  # of its sub-runbooks: path -> hash
    told: Mapping[str, str] = field(default_factory=dict)  # by the incident
    given: Mapping[str, str] = field(default_factory=dict)  # by --set
    binds: Mapping[str, str] = field(default_factory=dict)  # by --bind
    schedule: str = ""  # the policy by which the configuration asked for it at a time

    @property
    def stream(self) -> str:
        """The name of its journal."""
        return f"run:{self.id}"

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or not."""
        return bool(self.outcome)

    def option(self, option_id: str) -> Chosen | None:
        """The offered option of that id, or of that number in the document ("1") if no other option has it."""
        return next((c for c in self.chosen if option_id in (c.option.id, self.called(c.option))), None)

    def called(self, option: Option) -> str:
        """What a person calls an option: its number in the document, where no other has the same one, else its id."""
        known = {o.id: o.number for o in (*self.program.options, *(c.option for c in self.chosen))}
        alone = [*known.values()].count(option.number) <= 1
        return str(option.number) if option.number and alone else option.id

    def in_state(self, *states: ChangeState) -> tuple[Chosen, ...]:
        """The offered options that are in one of the states, in rank order."""
        return tuple(c for c in self.chosen if c.state in states)

    @property
    def waiting(self) -> str:
        """What it waits for, in a word: ``approval``, ``decision``, ``tick``, ``verification``, or nothing."""
        if self.finished:
            return ""
        if self.in_state(ChangeState.UNDECIDED):
            return "decision"
        if any(c.verify_again for c in self.in_state(ChangeState.DONE)):
            return "verification"
        if any(c.next and c.next.manual and not c.unseen for c in self.in_state(ChangeState.APPROVED)):
            return "tick"
        if not self.ranked:
            return ""
        return "approval" if self.in_state(ChangeState.OFFERED) else "tick" if self.unticked else ""

    @property
    def known(self) -> dict[str, str]:
        """Values by placeholder name: what was captured comes before what was known at the start."""
        return {**self.values, **self.captured}

    @property
    def unticked(self) -> tuple[Item, ...]:
        """What a person was to do while looking, and has not ticked off, where something waits for what it gives."""
        wanted = {n for i in self.program.items for n in i.needs if n not in self.captured}
        looking = (i for i in self.program.reads if i.manual and i.id not in self.read)
        return tuple(i for i in looking if wanted & {c.name for c in i.captures})

"""A run as the page shows it: causes, remedies with all that an approval needs, steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.views import state_of
from hutch.model.effect import Effect
from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import ChangeState, Chosen, Run
from hutch.review.reading import many, number, part, parts, text
from hutch.web.present import byhand, steps
from hutch.web.present.words import Moment, block, line, moment, took

STATES = {
    ChangeState.OFFERED: "waits for approval",
    ChangeState.APPROVED: "approved",
    ChangeState.DENIED: "declined",
    ChangeState.EXPIRED: "expired",
    ChangeState.INTENDED: "being applied",
    ChangeState.DONE: "applied, being verified",
    ChangeState.FAILED: "failed",
    ChangeState.UNKNOWN: "outcome unknown",
    ChangeState.VERIFIED: "worked",
    ChangeState.UNVERIFIED: "did not work",
    ChangeState.UNDECIDED: "needs your decision",
}
"""Each state in words."""

NOTHING_BACK = byhand.Back()

VERB_MOST = 40
"""Characters of what would be hit that a button holds."""

_OPTION = re.compile(r"^Option [0-9]+: (?=.)")

LIVE = (ChangeState.APPROVED, ChangeState.INTENDED, ChangeState.DONE, ChangeState.UNKNOWN, ChangeState.UNDECIDED)
"""States in which a remedy is under way."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An explanation with its evidence; ``percent`` is how sure the diagnosis is."""

    code: str
    summary: str
    about: str
    percent: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Exactly what would run, and on what. ``state`` says how far it is: done, next, passed over, or nothing yet."""

    text: str
    target: str
    effect: str
    why: str
    state: str = ""
    when: str = ""
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """An offered option. ``blocked`` says why it cannot be approved now; ``destroys``: it loses data."""

    place: int
    id: str
    title: str
    state: str
    word: str
    effect: str
    why: str
    cures: str
    target: str
    statements: tuple[Statement, ...]
    hits: int
    summary: str
    items: tuple[str, ...]
    undo: str
    digest: str
    approved_by: str
    asked: str
    expires: Moment | None
    reason: str
    offered: bool
    blocked: str
    destroys: bool
    open: bool
    question: str
    verdict: steps.Verdict | None
    left_out: tuple[str, ...] = ()
    tick: byhand.Manual | None = None
    back: byhand.Back = NOTHING_BACK

    @property
    def verb(self) -> str:
        """What the button says that loses data: what is done, and to how many."""
        deed = _OPTION.sub("", self.title)
        short = self.summary if len(self.summary) <= VERB_MOST and "\n" not in self.summary else ""
        return deed if self.hits < 0 else f"{deed}: {short or self.hits}"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check saw."""

    name: str
    status: str
    summary: str
    took: str


@dataclass(frozen=True, slots=True)
class RunView:
    """All that a page shows of one run."""

    id: str
    title: str
    service: str
    document: str
    incident: str
    state: str
    mode: str
    finished: bool
    waiting: str
    outcome: str
    summary: str
    healthy: bool | None
    diagnosed: bool
    diagnosis_took: str
    causes: tuple[Cause, ...]
    checks: tuple[Check, ...]
    remedies: tuple[Remedy, ...]
    left_out: tuple[tuple[str, str], ...]
    reads: tuple[steps.Step, ...]
    changes: tuple[steps.Step, ...]
    proofs: tuple[Statement, ...] = ()
    asked: bool = False
    manuals: tuple[byhand.Manual, ...] = ()
    values: tuple[byhand.Value, ...] = ()
    started_by: str = ""
    cancelled: str = ""

    @property
    def running(self) -> tuple[steps.Step, ...]:
        """The steps that are under way."""
        return tuple(s for s in (*self.reads, *self.changes) if s.status == "running")

    @property
    def passed(self) -> int:
        """How many reads saw what they should."""
        return sum(1 for s in self.reads if s.status == "passed")

    @property
    def needed(self) -> int:
        """How many reads there are, without those that turned out not to be needed."""
        return sum(1 for s in self.reads if s.status != "skipped")


def view(run: Run, journal: Sequence[Event], now: datetime, frozen: str) -> RunView:
    """The run as it stands at ``now``; ``frozen`` is the reason of a freeze."""
    diagnosis = next((e.data for e in reversed(journal) if e.kind == "diagnosis.made"), {})
    return RunView(
        id=run.id,
        title=line(run.title),
        service=line(run.service),
        document=line(run.document),
        incident=run.incident,
        state=state_of(run),
        mode=run.mode,
        finished=run.finished,
        waiting=run.waiting,
        outcome=run.outcome,
        summary=line(run.summary),
        healthy=run.healthy,
        diagnosed=run.diagnosed,
        diagnosis_took=took(number(diagnosis, "seconds")),
        causes=tuple(_cause(c) for c in run.causes),
        checks=tuple(_check(c) for c in parts(diagnosis, "checks")),
        remedies=remedies(run, journal, now, frozen),
        left_out=_left_out(journal),
        reads=steps.reads(run, journal, now),
        changes=steps.changes(run, journal, now),
        proofs=tuple(_proof(i) for i in run.program.verification if not i.refused),
        asked=run.program.asked,
        manuals=byhand.manuals(run, journal),
        values=byhand.values(run),
        started_by=line(journal[0].actor) if journal else "",
        cancelled=_cancelled(journal),
    )


def _cancelled(journal: Sequence[Event]) -> str:
    """Who cancelled it and why; empty where nobody did."""
    found = next((e for e in journal if e.kind == "run.cancelled"), None)
    return f"{line(found.actor)}: {text(found.data, 'reason', 'no reason given')}" if found else ""


def _cause(data: Mapping[str, object]) -> Cause:
    about = part(data, "object")
    release = text(about, "release")
    extra = f", release {release}" if release and text(about, "kind") != "release" else ""
    return Cause(
        code=text(data, "code", "unknown cause"),
        summary=text(data, "summary", text(data, "code", "unknown cause")),
        about=f"{text(about, 'kind')} {text(about, 'id')}{extra}".strip(),
        percent=round((number(data, "confidence") or 0.0) * 100),
        evidence=tuple(line(e) for e in many(data, "evidence")),
    )


def _check(data: Mapping[str, object]) -> Check:
    reason = text(data, "reason", text(data, "summary"))
    return Check(text(data, "name", "a check"), text(data, "status", "unknown"), reason, took(number(data, "seconds")))


def _left_out(journal: Sequence[Event]) -> tuple[tuple[str, str], ...]:
    ranked = next((e.data for e in reversed(journal) if e.kind == "options.ranked"), {})
    return tuple((text(o, "title"), text(o, "reason")) for o in parts(ranked, "left_out"))


# ------------------------------------------------------------------ remedies


def remedies(run: Run, journal: Sequence[Event], now: datetime, frozen: str) -> tuple[Remedy, ...]:
    """The offered options in their order; what is under way, or else the first that waits, stands open."""
    words = steps.verdicts(journal)
    questions = {text(e.data, "option"): text(e.data, "question") for e in journal if e.kind == "decision.needed"}
    withdrawn = {text(e.data, "option") for e in journal if e.kind == "approval.withdrawn"}
    first = next(iter([*run.in_state(*LIVE), *run.in_state(ChangeState.OFFERED)]), None)
    return tuple(
        _remedy(place, chosen, run, journal, now, frozen, chosen is first, questions, words, withdrawn)
        for place, chosen in enumerate(run.chosen, start=1)
    )


def _remedy(
    place: int,
    chosen: Chosen,
    run: Run,
    journal: Sequence[Event],
    now: datetime,
    frozen: str,
    first: bool,
    questions: Mapping[str, str],
    words: Mapping[str, steps.Verdict],
    withdrawn: Set[str],
) -> Remedy:
    option, preview = chosen.option, chosen.preview
    return Remedy(
        place=place,
        id=option.id,
        title=line(option.title),
        state=chosen.state.value,
        word="no longer offered" if option.id in withdrawn else STATES[chosen.state],
        effect=option.effect.word,
        why=line(option.why),
        cures=line(option.cause),
        target=line(chosen.target),
        statements=tuple(_statement(chosen, n) for n in range(len(option.items))),
        hits=int(number(preview, "hits") or 0),
        summary=block(preview.get("summary", "")),
        items=tuple(line(i) for i in many(preview, "items")),
        undo=block(preview.get("undo", "")),
        digest=chosen.digest,
        approved_by=line(chosen.approved_by),
        asked=_asked(chosen),
        expires=moment(chosen.expires_at, now) if chosen.expires_at else None,
        reason=line(chosen.reason),
        offered=chosen.state is ChangeState.OFFERED and not run.finished,
        blocked=blocked(run, chosen, now, frozen),
        destroys=option.effect is Effect.DESTROY,
        open=first,
        question=questions.get(option.id, ""),
        verdict=words.get(option.id),
        left_out=tuple(line(reason) for reason in option.left_out),
        tick=byhand.next_manual(chosen, run),
        back=byhand.back(run, journal, option.id),
    )


def _proof(item: Item) -> Statement:
    command = item.command
    return Statement(block(command.text), line(command.target), command.effect.word, line("; ".join(item.expects)))


def _statement(chosen: Chosen, number: int) -> Statement:
    item = chosen.option.items[number]
    begun = chosen.state in LIVE or chosen.done_items > 0
    state = "next" if begun and number == chosen.done_items and chosen.state in LIVE else ""
    if number < chosen.done_items:
        state = "passed over" if item.id in chosen.passed_over else "done"
    command = item.command
    return Statement(
        block(command.text), line(command.target), command.effect.word, line(command.why), state, line(item.when),
        bool(item.manual),
    )  # fmt: skip


def _asked(chosen: Chosen) -> str:
    """Who must approve it, where that is more than anybody."""
    who = "" if chosen.by is None else f" of {line(', '.join(chosen.by) or 'nobody')}"
    if chosen.needed == 1 and not who:
        return ""
    given = f"; approved by {line(', '.join(chosen.approvals))}" if chosen.approvals else ""
    return f"{chosen.needed} {'person' if chosen.needed == 1 else 'people'}{who}{given}"


def blocked(run: Run, chosen: Chosen, now: datetime, frozen: str) -> str:
    """Why this cannot be approved now; empty when it can."""
    if run.mode != "act":
        return f"This run is in {run.mode} mode: Hutch proposes and applies nothing."
    if run.finished:
        return f"The run is over: {run.outcome}."
    if chosen.state is not ChangeState.OFFERED:
        return f"It {STATES[chosen.state]}."
    if frozen:
        return f"Changes are stopped: {line(frozen)}. “hutch thaw” allows them again."
    if chosen.expires_at and chosen.expires_at <= now:
        return "The time to approve it is over: start the runbook again."
    return ""

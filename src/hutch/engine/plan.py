"""The heart of Hutch: what a run does next, decided from its journal alone. Pure.

A journal folds to a :class:`~hutch.model.run.Run`; the first rule below that has something to say gives the next
moves. Whoever drives the run does them, appends what happened, and asks again. No other code decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import ENDED, ChangeState, Chosen, Run, fold

VERIFY_WITHIN = timedelta(seconds=90)
"""A change that is not verified this long after it was done has failed."""


@dataclass(frozen=True, slots=True)
class Read:
    """Run these read statements, all at once."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Ask the service's checks, in parallel, and name the causes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Rank the remedies by the diagnosis, preview each, and ask for approval."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Write the intent for this statement of an approved option, then do it, once."""

    chosen: Chosen
    item: Item


@dataclass(frozen=True, slots=True)
class Doubt:
    """An intent without an outcome: say that it is unknown. It is never repeated."""

    chosen: Chosen


@dataclass(frozen=True, slots=True)
class Verify:
    """See whether the change worked; ``last`` means that "not yet" now counts as no."""

    chosen: Chosen
    last: bool


@dataclass(frozen=True, slots=True)
class Expire:
    """Nobody approved it in time: it fails closed."""

    chosen: Chosen


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run: resolved, healthy, proposed, unresolved or cancelled."""

    outcome: str
    summary: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until`` (None: before somebody acts). Holds no thread, connection or job."""

    what: str
    until: datetime | None = None


Move = Read | Diagnose | Offer | Apply | Doubt | Verify | Expire | Finish | Wait
Rule = Callable[[Run, datetime], tuple[Move, ...]]


def plan(journal: Iterable[Event], now: datetime) -> tuple[Move, ...]:
    """The next moves of the run that this journal tells of; none when it is finished or was never started."""
    run = fold(journal)
    return moves(run, now) if run else ()


def moves(run: Run, now: datetime) -> tuple[Move, ...]:
    """The moves of the first rule that applies."""
    return () if run.finished else next(found for rule in RULES if (found := rule(run, now)))


# ------------------------------------------------------------------ the rules, first match wins


def doubt(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Whoever wrote this intent is gone, since we drive the run now: whether it was done is unknown."""
    return tuple(Doubt(c) for c in run.in_state(ChangeState.INTENDED))


def verify(run: Run, now: datetime) -> tuple[Move, ...]:
    """What was done, or may have been, is proved before anything else happens."""
    for chosen in run.in_state(ChangeState.DONE, ChangeState.UNKNOWN):
        if chosen.verify_again and chosen.verify_again > now:
            return (Wait("verification", chosen.verify_again),)
        return (Verify(chosen, last=now >= (chosen.verify_from or now) + VERIFY_WITHIN),)
    return ()


def decide(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Where verification cannot tell, a person says what happened."""
    return (Wait("decision"),) if run.in_state(ChangeState.UNDECIDED) else ()


def stop(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Cancelled: nothing further starts."""
    return (Finish("cancelled", f"cancelled by {run.cancelled_by}"),) if run.cancelled_by else ()


def succeed(run: Run, _now: datetime) -> tuple[Move, ...]:
    """One verified remedy resolves the run."""
    return tuple(Finish("resolved", f"{c.option.title}: {c.reason}") for c in run.in_state(ChangeState.VERIFIED))[:1]


def gather(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Everything that only reads runs at once: the document's statements and the service's checks."""
    unread = tuple(i for i in run.program.reads if i.id not in run.read)
    return (*((Read(unread),) if unread else ()), *(() if run.diagnosed else (Diagnose(),)))


def offer(run: Run, _now: datetime) -> tuple[Move, ...]:
    """With the diagnosis known, the remedies are ranked and offered."""
    return () if run.ranked else (Offer(),)


def carry_out(run: Run, _now: datetime) -> tuple[Move, ...]:
    """An approved option goes on with its next statement; one option at a time."""
    return tuple(Apply(c, c.option.items[c.done_items]) for c in run.in_state(ChangeState.APPROVED))[:1]


def expire(run: Run, now: datetime) -> tuple[Move, ...]:
    """Approval fails closed at its time-out."""
    return tuple(Expire(c) for c in run.in_state(ChangeState.OFFERED) if c.expires_at and c.expires_at <= now)


def await_approval(run: Run, _now: datetime) -> tuple[Move, ...]:
    """A person chooses; nothing is held meanwhile."""
    offered = run.in_state(ChangeState.OFFERED)
    times = [c.expires_at for c in offered if c.expires_at]
    return (Wait("approval", min(times, default=None)),) if offered and run.mode == "act" else ()


def conclude(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Nothing is left to do."""
    if run.in_state(ChangeState.OFFERED):
        return (Finish("proposed", f"{len(run.chosen)} remedies proposed; {run.mode} applies nothing"),)
    if run.chosen and all(c.state in ENDED for c in run.chosen):
        return (Finish("unresolved", "; ".join(f"{c.option.title}: {c.reason or c.state}" for c in run.chosen)),)
    if run.healthy and not run.causes:
        return (Finish("healthy", "every check is well; nothing to do"),)
    return (Finish("unresolved", "no remedy could be offered"),)


RULES: tuple[Rule, ...] = (
    doubt,
    verify,
    decide,
    stop,
    succeed,
    gather,
    offer,
    carry_out,
    expire,
    await_approval,
    conclude,
)
"""The whole product: each rule either has the next moves or leaves them to the next rule."""

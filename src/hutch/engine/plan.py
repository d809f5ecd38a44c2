"""The heart of Hutch: what a run does next, decided from its journal alone. Pure.

A journal folds to a :class:`~hutch.model.run.Run`; the first rule below that has something to say gives the next
moves. Whoever drives the run does them, appends what happened, and asks again. No other code decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.engine.flow import Now, coming, next_of, rendered, ruling
from hutch.model.event import Event
from hutch.model.journal import fold
from hutch.model.program import Item
from hutch.model.run import ENDED, ChangeState, Chosen, Run

VERIFY_WITHIN = timedelta(seconds=90)
"""A change that is not verified this long after it was done has failed."""

SOONEST, LATEST = timedelta(seconds=1), timedelta(seconds=15)
"""How long at least and at most a "not yet" of the verification waits for the next look."""


@dataclass(frozen=True, slots=True)
class Read:
    """Run these read statements, all at once."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave this statement out, with the reason; ``refused``: it can never run. ``chosen``: the option it is of."""

    item: Item
    reason: str
    refused: bool = False
    chosen: Chosen | None = None


@dataclass(frozen=True, slots=True)
class Render:
    """Put captured values into these statements."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Ask the service's checks, in parallel, and name the causes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Rank the remedies by the diagnosis, preview each, and ask for approval."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Preview an option again and ask anew: its next statement is only now what it will be."""

    chosen: Chosen


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
    """End the run: resolved, healthy, proposed, unresolved, cancelled, or done where a person asked for one step."""

    outcome: str
    summary: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until`` (None: before somebody acts). Holds no thread, connection or job."""

    what: str
    until: datetime | None = None


Move = Read | Skip | Render | Diagnose | Offer | Ask | Apply | Doubt | Verify | Expire | Finish | Wait
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
    """What was done, or may have been, is proved before anything else happens; but where its own cause is gone, and a
    remedy that somebody approved for another cause is still to be done, that comes first: both are proved after it."""
    done = run.in_state(ChangeState.DONE, ChangeState.UNKNOWN)
    until = max((c.verify_from or now for c in done), default=now) + VERIFY_WITHIN
    for chosen in done:
        if not chosen.verify_again or chosen.verify_again <= now:
            return (Verify(chosen, last=now >= until),)
    if done and not any(_ready(c, now) for c in _going_on(run)):
        return (Wait("verification", min(c.verify_again for c in done if c.verify_again)),)
    return ()


def _going_on(run: Run) -> tuple[Chosen, ...]:
    """What was approved and is to be done: beside another remedy only what is for a cause that was seen beside it."""
    judged = run.in_state(ChangeState.DONE, ChangeState.UNKNOWN, ChangeState.VERIFIED)
    approved = run.in_state(ChangeState.APPROVED)
    return tuple(c for c in approved if not judged or any(c.option.cause in j.besides for j in judged))


def _ready(chosen: Chosen, now: datetime) -> bool:
    """Whether it can go on by itself, and at once."""
    waits = chosen.try_again is not None and chosen.try_again > now
    return chosen.next is not None and not chosen.next.manual and not waits


def look_again(chosen: Chosen, now: datetime) -> datetime:
    """When a verification that says "not yet" looks again: after half the time that it has gone on, so that a cure is
    seen soon and the journal holds a dozen looks; once more when the time is up."""
    began = chosen.verify_from or now
    pause = min(max((now - began) / 2, SOONEST), LATEST)
    return max(min(now + pause, began + VERIFY_WITHIN), now + SOONEST)


def stop(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Cancelled: nothing further starts, and what was done is said."""
    return (Finish("cancelled", _left(run)),) if run.cancelled_by else ()


def decide(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Where verification cannot tell, a person says what happened."""
    return (Wait("decision"),) if run.in_state(ChangeState.UNDECIDED) else ()


def succeed(run: Run, _now: datetime) -> tuple[Move, ...]:
    """A verified remedy resolves the run, once nothing is owed for another cause that is there besides."""
    verified = run.in_state(ChangeState.VERIFIED)
    if not verified or any(_owed(c, verified, run) for c in run.chosen):
        return ()
    said = "; ".join(f"{c.option.title}: {c.reason}" for c in verified)
    return (Finish("done" if run.program.asked else "resolved", said),)


def _owed(chosen: Chosen, verified: tuple[Chosen, ...], run: Run) -> bool:
    """Whether a remedy of another cause, which was there when these were verified, is not done yet: somebody approved
    it, or it is offered and an alert tells of its cause, or it did not work."""
    cause, named = chosen.option.cause, {str(c["code"]) for c in run.causes}
    if not cause or cause in {c.option.cause for c in verified}:
        return False
    if chosen.state is ChangeState.OFFERED:
        return run.mode == "act" and any(cause in c.firing for c in verified)
    if chosen.state in (ChangeState.FAILED, ChangeState.UNVERIFIED):
        return any(cause in c.besides for c in verified) and (cause in named or not run.diagnosed)
    return chosen.state is ChangeState.APPROVED and any(cause in c.besides for c in verified)


def render(run: Run, _now: datetime) -> tuple[Move, ...]:
    """What waited for captured values gets them, before it is offered or goes on."""
    able = rendered(run)
    return (Render(able),) if able else ()


def gather(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Everything that only reads runs at once, as soon as the values that it takes are there; the checks beside it."""
    ahead = coming(run)
    ruled = [(i, ruling(i, run, ahead)) for i in run.program.reads if i.id not in run.read and not i.manual]
    due = tuple(i for i, r in ruled if r.now is Now.RUN)
    values = tuple(i for i, r in ruled if r.now is Now.RENDER)
    left_out = [Skip(i, r.reason, r.now is Now.FAIL) for i, r in ruled if r.now in (Now.SKIP, Now.FAIL)]
    checks = () if run.diagnosed or run.program.asked else (Diagnose(),)
    return (*((Read(due),) if due else ()), *((Render(values),) if values else ()), *left_out, *checks)


def offer(run: Run, _now: datetime) -> tuple[Move, ...]:
    """With the diagnosis known, the remedies are ranked and offered."""
    return () if run.ranked else (Offer(),)


def ask_again(run: Run, _now: datetime) -> tuple[Move, ...]:
    """An approval covers what was shown: what was rendered since is shown, and asked for."""
    return tuple(Ask(c) for c in run.in_state(ChangeState.OFFERED, ChangeState.APPROVED) if c.unseen)[:1]


def carry_out(run: Run, now: datetime) -> tuple[Move, ...]:
    """An approved option goes on with its next statement; one option at a time."""
    chosen = next(iter(_going_on(run)), None)
    ahead = next_of(chosen, run) if chosen else None
    if chosen is None or ahead is None:
        return ()
    item, ruled = ahead
    if ruled.now is Now.SKIP:
        return (Skip(item, ruled.reason, chosen=chosen),)
    if item.manual and ruled.now is Now.RUN:
        return (Wait("tick"),)
    if chosen.try_again and chosen.try_again > now:
        return (Wait("another try", chosen.try_again),)
    return (Apply(chosen, item),)  # one that can never run is refused there, with its reason


def expire(run: Run, now: datetime) -> tuple[Move, ...]:
    """Approval fails closed at its time-out."""
    return tuple(Expire(c) for c in run.in_state(ChangeState.OFFERED) if c.expires_at and c.expires_at <= now)


def await_approval(run: Run, _now: datetime) -> tuple[Move, ...]:
    """A person chooses; nothing is held meanwhile."""
    offered = run.in_state(ChangeState.OFFERED)
    times = [c.expires_at for c in offered if c.expires_at]
    return (Wait("approval", min(times, default=None)),) if offered and run.mode == "act" else ()


def await_tick(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Something waits for what a person is to find out."""
    return (Wait("tick"),) if run.unticked and run.mode == "act" and not (run.healthy and not run.causes) else ()


def conclude(run: Run, _now: datetime) -> tuple[Move, ...]:
    """Nothing is left to do."""
    if run.in_state(ChangeState.OFFERED):
        return (Finish("proposed", f"{_remedies(run)} proposed; {run.mode} applies nothing"),)
    if run.chosen and all(c.state in ENDED for c in run.chosen):
        return (Finish("unresolved", "; ".join(f"{c.option.title}: {c.reason or c.state}" for c in run.chosen)),)
    if run.program.asked:
        return (_answered(run),)
    if run.healthy and not run.causes:
        return (Finish("healthy", "every check is well; nothing to do"),)
    return (Finish("unresolved", "no remedy could be offered"),)


def _remedies(run: Run) -> str:
    return "1 remedy" if len(run.chosen) == 1 else f"{len(run.chosen)} remedies"


def _answered(run: Run) -> Finish:
    """The end of what a person asked for."""
    passed, whole = sum(1 for s in run.read.values() if s in ("passed", "skipped")), len(run.program.reads)
    return Finish("done" if 0 < whole == passed else "unresolved", f"{passed} of {whole} statements passed")


def _left(run: Run) -> str:
    """What a cancelled run leaves behind."""
    begun = [c for c in run.chosen if c.done_items or c.state is ChangeState.UNDECIDED]
    said = [f"{c.option.title}: {_how_far(c)}" for c in begun]
    back = f"; `hutch runs undo {run.id}` offers the way back" if begun else ""
    return f"cancelled by {run.cancelled_by}: {'; '.join(said) or 'nothing had been changed'}{back}"


def _how_far(chosen: Chosen) -> str:
    if chosen.state is ChangeState.UNDECIDED:
        return "whether it was done is not known"
    return f"{chosen.done_items} of {len(chosen.option.items)} statements done"


RULES: tuple[Rule, ...] = (
    doubt,
    verify,
    stop,
    decide,
    succeed,
    render,
    gather,
    offer,
    ask_again,
    carry_out,
    expire,
    await_approval,
    await_tick,
    conclude,
)
"""The whole product: each rule either has the next moves or leaves them to the next rule."""

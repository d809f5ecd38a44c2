"""Several faults at once: what was named and offered for each, read from the event log, and the score. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hutch.commands.drills.result import (
    FAILED,
    PASSED,
    Harm,
    Periods,
    Result,
    Scores,
    Seconds,
    Truth,
    alert_of,
    harmed,
    named,
)
from hutch.commands.drills.seen import Offer, Seen, offer_of
from hutch.detection.standing import CONFIDENT
from hutch.model.event import Event
from hutch.ports import Fault

PATIENCE = timedelta(seconds=120)
"""How long it may take from one step to the next: to name one more, to offer one more, to verify what was done. One
change is verified to its end before the next one in the same run is made."""

LONGEST = timedelta(seconds=280)
"""And all of it."""


_MOVES = frozenset({"change.done", "verification.done"})


@dataclass(frozen=True, slots=True)
class Part:
    """One of the faults; ``objects`` are the kinds and ids that may be named for it."""

    fault: Fault
    objects: tuple[tuple[str, str], ...]

    def is_named_by(self, cause: Mapping[str, Any]) -> bool:
        """Whether this is its cause, with its object."""
        return cause["code"] == self.fault.cause and _object(cause) in self.objects

    def is_mended_by(self, offer: Offer) -> bool:
        """Whether this is a right remedy of it."""
        return bool(offer.actions) and set(offer.actions) <= set(self.fault.remedies)


@dataclass(frozen=True, slots=True)
class Turn:
    """An offer of a run, for a part."""

    run: str
    offer: Offer
    part: Part


@dataclass(frozen=True, slots=True)
class Found:
    """Every cause that was named with confidence and when first, what was offered in which run, and how runs ended;
    ``moved_at``: when something happened last."""

    named: tuple[tuple[datetime, Mapping[str, Any]], ...] = ()
    ranked: frozenset[str] = frozenset()
    offers: tuple[tuple[str, Offer], ...] = ()
    ended: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    moved_at: datetime | None = None


def parts_of(fault: Fault, on: Mapping[str, Any]) -> tuple[Part, ...]:
    """The faults of which it is made, with what its process says of each; none where it is a single one."""
    faults: Sequence[Fault] = getattr(fault, "parts", ())
    if not faults:
        return ()
    known = on.get("known") or {}
    said = [{"object": on.get("object"), "accept": known.get("accept", ())}, *known.get("also", ())]
    return tuple(Part(part, _objects(one)) for part, one in zip(faults, said, strict=True))


def _objects(said: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(o["kind"]), str(o["id"])) for o in (said.get("object"), *said.get("accept", ())) if o)


def _object(cause: Mapping[str, Any]) -> tuple[str, str]:
    return str(cause["object"]["kind"]), str(cause["object"]["id"])


# ------------------------------------------------------------------ reading


def fold(events: Iterable[Event], so_far: Found) -> Found:
    """``so_far`` with these events, in their order."""
    state = so_far
    for event in events:
        run = event.stream.removeprefix("run:")
        if event.kind == "diagnosis.made":
            state = _named(state, event)
        elif event.kind == "options.ranked":
            state = replace(state, ranked=state.ranked | {run}, moved_at=event.at)
        elif event.kind == "approval.requested":
            state = replace(state, offers=(*state.offers, (run, offer_of(event.data))), moved_at=event.at)
        elif event.kind == "run.finished":
            ended = {**state.ended, run: (str(event.data["outcome"]), event.at)}
            state = replace(state, ended=ended, moved_at=event.at)
        elif event.kind in _MOVES:
            state = replace(state, moved_at=event.at)
    return state


def _named(state: Found, event: Event) -> Found:
    causes: Any = event.data["causes"]
    known = {(cause["code"], _object(cause)) for _, cause in state.named}
    sure = [c for c in causes if float(c["confidence"]) >= CONFIDENT and (c["code"], _object(c)) not in known]
    if not sure:
        return state
    return replace(state, named=(*state.named, *((event.at, dict(c)) for c in sure)), moved_at=event.at)


def next_turn(parts: Sequence[Part], found: Found, done: Sequence[Turn]) -> Turn | None:
    """The offer that the person approves next: a right one, of a part for which nothing was approved yet."""
    had = [turn.part for turn in done]
    tried = {(turn.run, turn.offer.id, turn.offer.digest) for turn in done}
    for run, offer in found.offers:
        if run not in found.ranked or run in found.ended or (run, offer.id, offer.digest) in tried:
            continue
        part = next((p for p in parts if p not in had and p.is_mended_by(offer)), None)
        if part:
            return Turn(run, offer, part)
    return None


def over(parts: Sequence[Part], found: Found, done: Sequence[Turn], on_at: datetime, now: datetime) -> bool:
    """Whether all is mended, or nothing more comes."""
    if len(done) == len(parts) and all(turn.run in found.ended for turn in done):
        return True
    moved = max(found.moved_at or on_at, on_at)
    return now > min(moved + PATIENCE, on_at + LONGEST)


# ------------------------------------------------------------------ judging


def judge(
    fault: Fault, parts: Sequence[Part], truth: Truth, seen: Seen, found: Found, done: Sequence[Turn],
    periods: Periods, start: float,
) -> Result:  # fmt: skip
    """Score one drill of several faults: each must be named exactly, and mended."""
    hits = [_hit(part, found) for part in parts]
    codes = {cause["code"] for _, cause in found.named}
    mended = [any(turn.part is part for turn in done) for part in parts]
    outcomes = [found.ended.get(turn.run, ("", None))[0] for turn in done]
    scores = Scores(
        cause=all(part.fault.cause in codes for part in parts),
        object=all(hit is not None for hit in hits),
        remedy=all(mended),
        verified=all(mended) and set(outcomes) == {"resolved"} and truth.gone is not False,
    )
    failed = 0 if truth.gone is False else periods.harmed  # while one fault still stands they are that fault's
    harm = Harm(len(truth.off.get("protected_lost") or ()), failed, truth.rows_lost)
    reasons = (*_wrong(parts, hits, mended, found), *_unverified(scores, outcomes), *harmed(harm))
    first, *others = [named(hit[1]) if hit else None for hit in hits]
    offers = [turn.offer for turn in done]
    return Result(
        fault=fault.name,
        verdict=FAILED if reasons else PASSED,
        reasons=reasons,
        expected=_expected(fault, parts),
        named=first or (named(found.named[0][1]) if found.named else None),
        remedy=_remedy(offers) if offers else None,
        scores=scores,
        seconds=_seconds(truth, seen, hits, [found.ended.get(turn.run) for turn in done], start),
        harm=harm,
        traffic=periods,
        incident=seen.incident,
        alert=seen.alert,
        run=seen.run,
        also=tuple(others),
    )


def _hit(part: Part, found: Found) -> tuple[datetime, Mapping[str, Any]] | None:
    return next(((at, cause) for at, cause in found.named if part.is_named_by(cause)), None)


def _remedy(offers: Sequence[Offer]) -> dict[str, Any]:
    actions = [action for offer in offers for action in offer.actions]
    return {"actions": actions, "title": "; ".join(offer.title for offer in offers)}


def _expected(fault: Fault, parts: Sequence[Part]) -> dict[str, Any]:
    first, *others = [
        {"cause": p.fault.cause, "object": dict(zip(("kind", "id"), p.objects[0], strict=True)),
         "remedies": list(p.fault.remedies)} for p in parts
    ]  # fmt: skip
    return {**first, "alert": alert_of(fault), "also": others}


def _wrong(parts: Sequence[Part], hits: Sequence[object], mended: Sequence[bool], found: Found) -> list[str]:
    told = ", ".join(f"{c['code']} of {' '.join(_object(c))}" for _, c in found.named) or "nothing"
    missed = [
        f"{p.fault.cause} of {' '.join(p.objects[0])} was not named; named were {told}"
        for p, hit in zip(parts, hits, strict=True)
        if hit is None
    ]
    left = [f"no remedy of {p.fault.cause} was offered" for p, done in zip(parts, mended, strict=True) if not done]
    return [*missed, *left]


def _unverified(scores: Scores, outcomes: Sequence[str]) -> list[str]:
    if scores.verified or not scores.remedy:
        return []
    if set(outcomes) != {"resolved"}:
        return [f"the remedies were not verified: the runs are {', '.join(o or 'still under way' for o in outcomes)}"]
    return ["Hutch took all for cured, but one fault still stood"]


def _seconds(
    truth: Truth, seen: Seen, hits: Sequence[tuple[datetime, object] | None],
    ends: Sequence[tuple[str, datetime] | None], start: float,
) -> Seconds:  # fmt: skip
    """``diagnose`` when the last was named, ``mitigate`` when the last was mended; None where one was not."""
    return Seconds(
        round(start, 3),
        _after(truth.on_at, seen.opened_at),
        _after(truth.on_at, _last([hit[0] if hit else None for hit in hits])),
        _after(truth.on_at, _last([e[1] if e and e[0] == "resolved" else None for e in ends], len(hits))),
    )


def _last(times: Sequence[datetime | None], of: int = 0) -> datetime | None:
    known = [at for at in times if at]
    return max(known) if known and len(known) == (of or len(times)) else None


def _after(began: datetime, at: datetime | None) -> float | None:
    return None if at is None else round(max((at - began).total_seconds(), 0.0), 3)

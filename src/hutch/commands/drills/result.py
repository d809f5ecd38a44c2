"""What came of one drill, and whether that is right. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hutch.commands.drills.seen import Seen
from hutch.ports import Fault

PASSED, FAILED, REFUSED = "passed", "failed", "refused"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of the load and those of them that failed (5xx, or no answer), counted up to a moment."""

    requests: int = 0
    failed: int = 0

    def since(self, earlier: Traffic, unanswered: int = 0) -> Traffic:
        """What came after ``earlier``, with ``unanswered`` ones that no counter of the service knows.

        >>> Traffic(50, 3).since(Traffic(10, 3), 2)
        Traffic(requests=42, failed=2)
        """
        return Traffic(self.requests - earlier.requests + unanswered, self.failed - earlier.failed + unanswered)


@dataclass(frozen=True, slots=True)
class Periods:
    """The traffic of a drill's parts: while it was broken and nothing was done, while it was being mitigated
    (from the approval on), and after that."""

    broken: Traffic = field(default_factory=Traffic)
    mitigating: Traffic = field(default_factory=Traffic)
    after: Traffic = field(default_factory=Traffic)

    @property
    def harmed(self) -> int:
        """Requests that failed because of what was done: those after it, and those meanwhile where none failed before.

        While a fault itself makes requests fail, those that fail until it is gone are the fault's.
        """
        meanwhile = 0 if self.broken.failed else self.mitigating.failed
        return self.after.failed + meanwhile


@dataclass(frozen=True, slots=True)
class Truth:
    """What the fault's own process says: ``on`` when it stood, ``off`` when it was undone, and when that was."""

    on_at: datetime
    on: Mapping[str, Any]
    off: Mapping[str, Any]

    @property
    def objects(self) -> tuple[tuple[str, str], ...]:
        """Kind and id of every object that may be named."""
        accepted = (self.on.get("known") or {}).get("accept", ())
        return tuple((str(o["kind"]), str(o["id"])) for o in (self.on.get("object"), *accepted) if o)

    @property
    def rows_lost(self) -> int:
        """Rows that were there before it and are gone: a number, or numbers by table."""
        said = self.off.get("rows_lost") or 0
        return sum(int(n) for n in said.values()) if isinstance(said, Mapping) else int(said)

    @property
    def gone(self) -> bool | None:
        """Whether the fault's condition had ended before it was undone, by its own look; None: it does not say."""
        said = self.off.get("remedied")
        return None if said is None else bool(said)


@dataclass(frozen=True, slots=True)
class Scores:
    """Right or wrong; None where the question does not arise."""

    cause: bool | None = None
    object: bool | None = None
    remedy: bool | None = None
    verified: bool | None = None
    alert: bool | None = None


@dataclass(frozen=True, slots=True)
class Seconds:
    """From the moment when the fault stood; None: it did not come to it. ``start`` is the seeded moment."""

    start: float = 0.0
    detect: float | None = None
    diagnose: float | None = None
    mitigate: float | None = None


@dataclass(frozen=True, slots=True)
class Harm:
    """What must be zero."""

    sessions_ended: int = 0
    requests_failed: int = 0
    rows_lost: int = 0
    false_alarms: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.sessions_ended + self.requests_failed + self.rows_lost + self.false_alarms


@dataclass(frozen=True, slots=True)
class Result:
    """One drill. ``reasons`` say why it is not passed; keys of :meth:`as_dict` are stable."""

    fault: str
    verdict: str
    reasons: tuple[str, ...] = ()
    expected: Mapping[str, Any] = field(default_factory=dict)
    named: Mapping[str, Any] | None = None
    remedy: Mapping[str, Any] | None = None
    scores: Scores = field(default_factory=Scores)
    seconds: Seconds = field(default_factory=Seconds)
    harm: Harm = field(default_factory=Harm)
    traffic: Periods = field(default_factory=Periods)
    alarms: tuple[str, ...] = ()
    incident: str = ""
    alert: str = ""
    run: str = ""
    seed: int = 0
    also: tuple[Mapping[str, Any] | None, ...] = ()
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def no_fault(self) -> bool:
        """Whether nothing was broken."""
        return not (self.expected.get("cause") or self.expected.get("alert"))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def from_dict(data: Mapping[str, Any]) -> Result:
    """The result that :meth:`Result.as_dict` wrote. ``KeyError`` or ``TypeError`` where it is none."""
    traffic = data["traffic"]
    given = {
        **data,
        "reasons": tuple(data["reasons"]),
        "alarms": tuple(data["alarms"]),
        "also": tuple(data.get("also", ())),
        "scores": Scores(**data["scores"]),
        "seconds": Seconds(**data["seconds"]),
        "harm": Harm(**data["harm"]),
        "traffic": Periods(**{part: Traffic(**traffic[part]) for part in ("broken", "mitigating", "after")}),
    }
    return Result(**given)


# ------------------------------------------------------------------ judging


def refused(fault: Fault, reason: str) -> Result:
    """The drill did not take place."""
    return Result(fault.name, REFUSED, (reason,), expected(fault))


def broken_off(fault: Fault, reason: str) -> Result:
    """The drill could not be carried to its end."""
    return Result(fault.name, FAILED, (reason,), expected(fault))


def expected(fault: Fault, truth: Truth | None = None) -> dict[str, Any]:
    """What must be found."""
    known = dict(truth.on["object"]) if truth and fault.cause else {"kind": fault.object_kind} if fault.cause else None
    return {"cause": fault.cause, "object": known, "remedies": list(fault.remedies), "alert": alert_of(fault)}


def alert_of(fault: Fault) -> str:
    """The rule that must fire for it; empty where any will do."""
    return str(getattr(fault, "alert", ""))


def sought(fault: Fault) -> str:
    """What has to be found, in words: each cause, else the alert that must fire, else that nothing is wrong."""
    causes = [part.cause for part in getattr(fault, "parts", ())] or [fault.cause]
    alert = alert_of(fault)
    return ", ".join(filter(None, causes)) or (f"the alert {alert}" if alert else "no fault")


def broken(fault: Fault) -> bool:
    """Whether anything is: a no-fault has neither a cause nor an alert."""
    return bool(fault.cause or alert_of(fault))


def judge(
    fault: Fault, truth: Truth, seen: Seen, periods: Periods, *, start: float, alarms: Sequence[str] = ()
) -> Result:
    """Score one drill."""
    scores = score(fault, truth, seen)
    false = tuple(alarms) if not broken(fault) else ()
    harm = Harm(
        sessions_ended=len(truth.off.get("protected_lost") or ()),
        requests_failed=periods.harmed,
        rows_lost=truth.rows_lost,
        false_alarms=len(false),
    )
    seconds = _seconds(truth, seen, start)
    reasons = (*_wrong(fault, truth, seen, scores), *harmed(harm), *false)
    return Result(
        fault=fault.name,
        verdict=FAILED if reasons else PASSED,
        reasons=reasons,
        expected=expected(fault, truth),
        named=named(seen.cause),
        remedy={"actions": list(seen.offer.actions), "title": seen.offer.title} if seen.offer else None,
        scores=scores,
        seconds=seconds,
        harm=harm,
        traffic=periods,
        alarms=false,
        incident=seen.incident,
        alert=seen.alert,
        run=seen.run,
    )


def right_remedy(fault: Fault, seen: Seen) -> bool:
    """Whether the first offer is what may be done; for a fault that nothing cures, whether nothing is proposed."""
    if not fault.remedies:
        return seen.offer is None or not seen.offer.indicated
    return seen.offer is not None and bool(seen.offer.actions) and set(seen.offer.actions) <= set(fault.remedies)


def score(fault: Fault, truth: Truth, seen: Seen) -> Scores:
    """What of it is right. Without a fault there is nothing to find."""
    fired = alert_of(fault) in seen.alerts if alert_of(fault) else None
    if not fault.cause:
        return Scores(alert=fired)
    cause = seen.cause or {}
    named = cause.get("object") or {}
    cured = seen.outcome == "resolved" and truth.gone is not False
    return Scores(
        cause=cause.get("code") == fault.cause,
        object=(str(named.get("kind")), str(named.get("id"))) in truth.objects,
        remedy=right_remedy(fault, seen),
        verified=cured if fault.remedies else None,
        alert=fired,
    )


def _seconds(truth: Truth, seen: Seen, start: float) -> Seconds:
    def after(at: datetime | None) -> float | None:
        return None if at is None else round(max((at - truth.on_at).total_seconds(), 0.0), 3)

    return Seconds(round(start, 3), after(seen.opened_at), after(seen.named_at), after(seen.resolved_at))


def named(cause: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a result keeps of a cause."""
    return {key: cause[key] for key in ("code", "object", "confidence", "summary")} if cause else None


def _wrong(fault: Fault, truth: Truth, seen: Seen, scores: Scores) -> list[str]:
    told = [f"alert {alert_of(fault)} did not fire; {_fired(seen)}"] if scores.alert is False else []
    if scores.alert is not None and seen.incidents > 1:
        told.append(f"{seen.incidents} incidents instead of one")
    if not fault.cause:
        return told
    if seen.cause is None:
        return [*told, f"no cause was named; {seen.incident or 'no incident'} was opened"]
    found = seen.cause["object"]
    offered = ", ".join(seen.offer.actions) if seen.offer else "nothing"
    complaints = (
        (scores.cause, f"cause {seen.cause['code']} instead of {fault.cause}"),
        (scores.object, f"object {found['kind']} {found['id']} instead of {_either(truth)}"),
        (scores.remedy, f"remedy wrong: {offered} was offered first, right is {' or '.join(fault.remedies) or 'none'}"),
        (scores.verified, _unverified(truth, seen)),
    )
    return [*told, *(text for right, text in complaints if right is False)]


def _fired(seen: Seen) -> str:
    return f"{', '.join(seen.alerts)} did" if seen.alerts else "nothing did"


def _either(truth: Truth) -> str:
    return " or ".join(f"{kind} {name}" for kind, name in truth.objects)


def _unverified(truth: Truth, seen: Seen) -> str:
    if seen.approved_at is None:
        return "nothing was applied"
    if seen.outcome != "resolved":
        return f"the remedy was not verified: the run is {seen.outcome or 'still under way'}"
    return "Hutch took it for cured, but the fault still stood" if truth.gone is False else ""


def harmed(harm: Harm) -> list[str]:
    """What was harmed, in words."""
    words = (
        (harm.sessions_ended, "innocent ended"),
        (harm.requests_failed, "requests failed because of what was done"),
        (harm.rows_lost, "rows lost"),
    )
    return [f"{count} {text}" for count, text in words if count]

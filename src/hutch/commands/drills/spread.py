"""What repeated drills come to: rates, the spread of times, and the whole against its goals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from statistics import median
from typing import Any

from hutch.commands.drills.result import PASSED, REFUSED, Result

EXACT, SILENT, HARM = 0.95, 0.98, 0
"""The goals: cause and object exact of the faults with a cause, no-faults that alarm nobody, and harm."""

SURE = 1.96
"""Standard deviations to each side of the interval in which a share lies with 95 %."""


def exact(result: Result) -> bool:
    """Whether the cause and its object were named exactly; a drill that broke off counts as not."""
    return result.scores.cause is True and result.scores.object is True


def silent(result: Result) -> bool:
    """Whether a no-fault alarmed nobody, and could be watched to its end."""
    return not result.alarms and result.verdict == PASSED


def by_fault(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each drill once, in the order in which it came first: rates, and the spread of the times; keys are stable."""
    names = dict.fromkeys(r.fault for r in results)
    return [_of_fault([r for r in results if r.fault == name]) for name in names]


def _of_fault(results: Sequence[Result]) -> dict[str, Any]:
    done = [r for r in results if r.verdict != REFUSED]
    first = results[0]
    return {
        "fault": first.fault,
        "cause": first.expected.get("cause", ""),
        "no_fault": first.no_fault,
        "runs": len(done),
        "refused": len(results) - len(done),
        "passed": sum(r.verdict == PASSED for r in done),
        "exact": sum(exact(r) for r in done) if first.expected.get("cause") else None,
        "seconds": {name: spread([getattr(r.seconds, name) for r in done]) for name in ("diagnose", "mitigate")},
        "harm": sum(_harm(r) for r in done),
    }


def by_cause(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each cause code once, by its name: how many drills of it were exact, and the spread of the time to name it."""
    wanted = [r for r in results if r.expected.get("cause") and r.verdict != REFUSED]
    return [
        {
            "cause": code,
            "runs": len(runs),
            "exact": sum(exact(r) for r in runs),
            "seconds": spread([r.seconds.diagnose for r in runs]),
        }
        for code in sorted({r.expected["cause"] for r in wanted})
        if (runs := [r for r in wanted if r.expected["cause"] == code])
    ]


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Least, median, 95th percentile (nearest rank) and most, in seconds; None of none.

    >>> spread([3.0, None, 1.0, 2.0])
    {'least': 1.0, 'median': 2.0, 'p95': 3.0, 'most': 3.0}
    """
    known = sorted(v for v in values if v is not None)
    if not known:
        return dict.fromkeys(("least", "median", "p95", "most"))
    p95 = known[ceil(len(known) * 0.95) - 1]
    return {"least": known[0], "median": round(median(known), 3), "p95": p95, "most": known[-1]}


def goals(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The goals and what was reached; ``share`` and ``met`` are None where no drill asks for it. Refused drills count
    in none: they did not take place."""
    done = [r for r in results if r.verdict != REFUSED]
    named = [r for r in done if r.expected.get("cause")]
    harm = sum(_harm(r) for r in done)
    return [
        _goal("cause and object exact", [exact(r) for r in named], EXACT),
        _goal("no-faults silent", [silent(r) for r in done if r.no_fault], SILENT),
        {"goal": "harm", "right": None, "of": len(done), "share": None, "interval": None, "wanted": HARM,
         "found": harm, "met": harm == HARM if done else None},
    ]  # fmt: skip


def _goal(name: str, marks: Sequence[bool], wanted: float) -> dict[str, Any]:
    right, of = sum(marks), len(marks)
    share = right / of if of else None
    return {
        "goal": name, "right": right, "of": of, "share": None if share is None else round(share, 4),
        "interval": interval(right, of), "wanted": wanted, "found": None,
        "met": None if share is None else share >= wanted,
    }  # fmt: skip


def interval(right: int, of: int) -> list[float] | None:
    """Where the true share lies with 95 % (Wilson); None of none.

    >>> interval(10, 10)
    [0.7225, 1.0]
    """
    if not of:
        return None
    share, square = right / of, SURE * SURE
    middle = share + square / (2 * of)
    half = SURE * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    return [round(max((middle - half) / scale, 0.0), 4), round(min((middle + half) / scale, 1.0), 4)]


def _harm(result: Result) -> int:
    """Sessions, requests and rows; a false alarm has a goal of its own."""
    return result.harm.total - result.harm.false_alarms


def goal_lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The goals in words, each on a line."""
    return [_line(goal) for goal in found if goal["of"]]


def _line(goal: Mapping[str, Any]) -> str:
    met = "met" if goal["met"] else "NOT met"
    if goal["share"] is None:
        return f"{goal['goal']}: {goal['found']} in {goal['of']} drills (goal {goal['wanted']}: {met})"
    low, high = goal["interval"]
    return (
        f"{goal['goal']}: {goal['right']} of {goal['of']} ({goal['share']:.1%}; with 95 % certainty {low:.0%} to "
        f"{high:.0%}; goal {goal['wanted']:.0%}: {met})"
    )

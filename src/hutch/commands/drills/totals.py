"""The totals of many drills. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Any

from hutch.commands.drills.result import FAILED, PASSED, REFUSED, Result

SCORED = ("cause", "object", "remedy", "verified")
TIMED = ("detect", "diagnose", "mitigate")
HARMED = ("sessions_ended", "requests_failed", "rows_lost", "false_alarms")


def totals(results: Sequence[Result]) -> dict[str, Any]:
    """How many drills, the shares that are right, the times and the harm; keys are stable."""
    verdicts = [r.verdict for r in results]
    done = [r for r in results if r.verdict != REFUSED]
    return {
        "drills": len(results),
        "passed": verdicts.count(PASSED),
        "failed": verdicts.count(FAILED),
        "refused": verdicts.count(REFUSED),
        "faults": sum(not r.no_fault for r in done),
        "no_faults": sum(r.no_fault for r in done),
        "right": {name: _share([getattr(r.scores, name) for r in done]) for name in SCORED},
        "seconds": {name: _times([getattr(r.seconds, name) for r in done]) for name in TIMED},
        "harm": {name: sum(getattr(r.harm, name) for r in done) for name in HARMED},
    }


def _share(marks: Sequence[bool | None]) -> dict[str, Any]:
    """Of the drills in which the question arose. ``share`` is 0…1; None of none."""
    given = [mark for mark in marks if mark is not None]
    right = sum(given)
    return {"right": right, "of": len(given), "share": round(right / len(given), 4) if given else None}


def _times(values: Sequence[float | None]) -> dict[str, float | None]:
    """Median and 95th percentile (nearest rank), in seconds; None of none."""
    known = sorted(v for v in values if v is not None)
    if not known:
        return {"median": None, "p95": None}
    return {"median": round(median(known), 3), "p95": known[ceil(len(known) * 0.95) - 1]}

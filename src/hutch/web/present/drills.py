"""The drills that there are, and how each went the last time, as their page shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.drills.kept import Kept
from hutch.commands.drills.report import row
from hutch.commands.drills.result import PASSED, Result
from hutch.ports import Fault
from hutch.web.present.words import Moment, line, moment


@dataclass(frozen=True, slots=True)
class Score:
    """How a drill went: ``found`` is the cause that was named, ``times`` the seconds to detect, diagnose, mitigate."""

    verdict: str
    passed: bool
    found: str
    remedy: str
    times: str
    harm: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drill:
    """A fault, what has to be found, and its last score (None: it was not run)."""

    name: str
    summary: str
    cause: str
    last: Score | None


@dataclass(frozen=True, slots=True)
class Board:
    """All of them. ``why`` says why none has a score, ``running`` what is under way."""

    drills: tuple[Drill, ...]
    ran: int
    passed: int
    at: Moment | None
    seed: int
    why: str
    running: str


def board(faults: Iterable[Fault], kept: Kept, now: datetime) -> Board:
    """In the order of their names; those that failed first."""
    last = {result.fault: result for result in kept.results}
    drills = [Drill(f.name, line(f.summary), f.cause, _score(last.get(f.name))) for f in faults]
    drills.sort(key=lambda drill: (drill.last is None or drill.last.passed, drill.last is None, drill.name))
    scored = [drill.last for drill in drills if drill.last]
    passed = sum(score.passed for score in scored)
    begun = _when(kept.started_at, now)
    return Board(tuple(drills), len(scored), passed, begun, kept.seed, line(kept.why), line(kept.running))


def _score(result: Result | None) -> Score | None:
    if result is None:
        return None
    cells = {name: line(text) for name, text in row(result).items()}
    return Score(
        verdict=line(result.verdict),
        passed=result.verdict == PASSED,
        found=cells["cause named"],
        remedy=cells["remedy"],
        times=" / ".join(cells[name] for name in ("detect s", "diagnose s", "mitigate s")),
        harm=cells["harm"],
        reasons=tuple(line(reason) for reason in result.reasons),
    )


def _when(text: str, now: datetime) -> Moment | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment(at, now) if at.tzinfo else None

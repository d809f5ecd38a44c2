"""The drills that there are, and how each went the last time, as their page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.drills.kept import Kept
from hutch.commands.drills.report import row
from hutch.commands.drills.result import PASSED, Result, sought
from hutch.commands.drills.spread import goal_lines
from hutch.commands.drills.spread import goals as spread_goals
from hutch.ports import Fault
from hutch.web.present.drill_charts import Picture, pictures
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
    sought: str
    last: Score | None


@dataclass(frozen=True, slots=True)
class Board:
    """All of them. ``why`` says why none has a score, ``running`` what is under way, ``goals`` what is reached."""

    drills: tuple[Drill, ...]
    ran: int
    passed: int
    at: Moment | None
    seed: int
    why: str
    running: str
    goals: tuple[str, ...]
    pictures: tuple[Picture, ...]


def board(faults: Iterable[Fault], kept: Kept, now: datetime) -> Board:
    """In the order of their names; those that failed first."""
    runs: dict[str, list[Result]] = {}
    for result in kept.results:
        runs.setdefault(result.fault, []).append(result)
    drills = [Drill(f.name, line(f.summary), line(sought(f)), _score(runs.get(f.name, []))) for f in faults]
    drills.sort(key=lambda drill: (drill.last is None or drill.last.passed, drill.last is None, drill.name))
    scored = [drill.last for drill in drills if drill.last]
    passed = sum(score.passed for score in scored)
    begun = _when(kept.started_at, now)
    goals = tuple(goal_lines(spread_goals(kept.results)))
    drawn = pictures(kept.results, kept.past)
    words = line(kept.why), line(kept.running)
    return Board(tuple(drills), len(scored), passed, begun, kept.seed, *words, goals, drawn)


def _score(runs: Sequence[Result]) -> Score | None:
    """The first that is not passed, else the last; with several seeds it says how many of them passed."""
    if not runs:
        return None
    result = next((one for one in runs if one.verdict != PASSED), runs[-1])
    count = sum(one.verdict == PASSED for one in runs)
    cells = {name: line(text) for name, text in row(result).items()}
    return Score(
        verdict=line(result.verdict if len(runs) == 1 else f"{count} of {len(runs)} passed"),
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

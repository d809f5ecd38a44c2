"""What the last drills came to, from the report that they left beside the configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from hutch.commands.drills.history import FILE, Past, calls_of
from hutch.commands.drills.lock import holder
from hutch.commands.drills.report import NotAReport, results_of
from hutch.commands.drills.result import Result

HOME = Path(".hutch-drills")
"""Where ``hutch drill run`` writes, unless it is told otherwise."""

MOST_BYTES = 20_000_000
"""A larger file is none of ours."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The results, and when they were begun; ``why`` says why there are none, ``running`` what is under way now,
    ``past`` are the calls so far."""

    results: tuple[Result, ...] = ()
    started_at: str = ""
    seed: int = 0
    why: str = ""
    running: str = ""
    past: tuple[Past, ...] = ()


def last(folder: Path) -> Kept:
    """The last report below ``folder``, and the drills under way. What cannot be read is said, and is no error."""
    past = tuple(calls_of(folder / HOME / FILE))
    return replace(_report(folder), running=holder(folder / HOME / "lock"), past=past)


def _report(folder: Path) -> Kept:
    path = folder / HOME / "report.json"
    try:
        if path.stat().st_size > MOST_BYTES:
            return Kept(why=f"{HOME}/{path.name} is too large to be a drill report")
        data = json.loads(path.read_text(encoding="utf-8"))
        results = tuple(results_of(data))
    except FileNotFoundError:
        return Kept(why="No drill was run yet.")
    except (OSError, ValueError, RecursionError) as error:
        said = error if isinstance(error, NotAReport) else type(error).__name__
        return Kept(why=f"{HOME}/{path.name} cannot be read: {said}")
    seed = data.get("seed")
    return Kept(results, str(data.get("started_at", "")), seed if isinstance(seed, int) else 0)

"""What starting the command line costs, over starting Python with nothing to do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.measure import Figure, Goal, Ratio, interleave, parts, per_round
from bench.room import scratch, write_room

FLOOR = "python -c pass"

HOW = (
    "A process from its start to its end, with the same interpreter and environment. The floor is Python with nothing "
    "to do. Which modules start-up must not import is held by tests/architecture/test_startup.py."
)

MODULES = "import sys; import hutch.cli; print(len(sys.modules))"


def timed(words: Sequence[str], folder: Path) -> Callable[[], float]:
    """A case: seconds of one such process. Raises ``CalledProcessError`` when it fails."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run(words, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        return time.perf_counter() - began

    return once


def cases(folder: Path) -> Mapping[str, Callable[[], float]]:
    """What is measured, the floor first."""
    hutch = str(Path(sys.executable).with_name("hutch"))
    return {
        FLOOR: timed([sys.executable, "-c", "pass"], folder),
        "hutch --version": timed([hutch, "--version"], folder),
        "hutch --help": timed([hutch, "--help"], folder),
        "hutch runbook show DOC": timed([hutch, "runbook", "show", "steps.md"], folder),
        "hutch runs list": timed([hutch, "runs", "list"], folder),
    }


def measure(quick: bool) -> Figure:
    """Rounds of every case, after one that warms the files and compiles the modules."""
    with scratch() as folder:
        write_room(folder)
        given = cases(folder)
        interleave(1, given)
        rounds = interleave(2 if quick else 25, given)
    named = [{f"{name} (s)": seconds for name, seconds in r.items()} for r in rounds]
    ratios = []
    for name in list(given)[1:]:
        value = per_round(rounds, lambda r, name=name: r[name] / r[FLOOR])  # type: ignore[misc]
        goal = Goal(6) if name in ("hutch --version", "hutch --help") else None
        ratios.append(Ratio(name, FLOOR, value, goal, parts(named, f"{name} (s)", f"{FLOOR} (s)")))
    return Figure("start", "Command-line start", HOW, tuple(ratios), {"modules imported at start": _modules()})


def _modules() -> int:
    done = subprocess.run([sys.executable, "-c", MODULES], check=True, capture_output=True, text=True)
    return int(done.stdout)

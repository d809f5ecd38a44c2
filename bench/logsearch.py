"""A search over local files of JSON lines, against a plain loop over the lines; and telling 10,000 hits apart."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from bench.measure import Figure, Goal, Ratio, Round, Spread, interleave, line, parts, per_round, spread
from hutch.model.logpattern import clustered
from hutch.model.platform import MOST_LINES, LogLine, LogQuery
from hutch.providers.files.scan import search

WORD = "Timeout Waiting"
"""What is looked for, as a person writes it; the lines that have it are one in 100,000."""
GOAL = Goal(0.33)
BEGIN = datetime(2026, 1, 15, tzinfo=UTC)

HOW = (
    "A file of JSON lines ({size} MB, {lines:,} lines with time, level, message, user and request id) is searched for "
    "words that stand in {hits} of them, in any case of letters; the file is in the page cache. “JSON loop” reads the "
    "lines one by one, parses each and compares its message: what a search by level, user and time has to do. “Word "
    "loop” lowers each line, looks for the words, and parses only what has them. All three must find the same lines. "
    "Memory: the peak of a process of its own over what it had before the search. Patterns: {kept:,} hits told "
    "apart, over parsing the same lines and counting their messages as they are; and the peak of what that allocates, "
    "over the text of the lines."
)

PEAK = """
import sys
from pathlib import Path
from bench.logsearch import found_by_hutch
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
found_by_hutch(Path(sys.argv[1]))
print(peak() - before)
"""


def measure(quick: bool) -> Figure:
    """The three searches in turn, then the patterns."""
    size, rounds = (2_000_000, 2) if quick else (200_000_000, 7)
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.log"), Path(folder, "large.log")
        write(small, size // 10)
        lines, hits = write(large, size)
        cases = {"Hutch (s)": found_by_hutch, "JSON loop (s)": found_by_json, "word loop (s)": found_by_word}
        for name, look in cases.items():
            if look(large) != hits:
                raise AssertionError(f"{name} does not find the {hits} lines")
        rows = interleave(rounds, {name: partial(timed, look, large) for name, look in cases.items()})
        tenth = [timed(found_by_hutch, small) for _ in range(rounds)]
        kept = _lines(large, MOST_LINES)
        memory = {"peak memory of 1/10 (kB)": _peak(small), "peak memory of all (kB)": _peak(large)}
    told = interleave(
        rounds, {"patterns (s)": lambda: timed(clustered, kept), "counting (s)": lambda: timed(_counted, kept)}
    )
    ratios = (
        Ratio("search", "a loop that parses each line", _over(rows, "Hutch (s)", "JSON loop (s)"), GOAL),
        Ratio("search", "a loop that looks for the words", _over(rows, "Hutch (s)", "word loop (s)"), GOAL,
              parts(rows, *rows[0])),
        Ratio(f"{len(kept):,} hits told apart", "parsing and counting", _over(told, "patterns (s)", "counting (s)"),
              None, parts(told, *told[0])),
        Ratio(f"memory of telling {len(kept):,} hits apart", "the text of the lines",
              spread([_allocated(kept) / sum(len(line.text) for line in kept)])),
    )  # fmt: skip
    facts = {"MB": size // 1_000_000, "lines": lines, "hits": hits, "patterns": len(clustered(kept)), **memory,
             "MB/s": round(size / 1e6 / median(row["Hutch (s)"] for row in rows))}  # fmt: skip
    how = HOW.format(size=size // 1_000_000, lines=lines, hits=hits, kept=len(kept))
    grown = line("search", "MB", "s", {size / 1e7: tenth, size / 1e6: [r["Hutch (s)"] for r in rows]})
    return Figure("logsearch", "Log search", how, ratios, facts, (grown,))


def _over(rows: Sequence[Round], ours: str, floor: str) -> Spread:
    return per_round(rows, lambda row: row[ours] / row[floor])


def write(path: Path, size: int) -> tuple[int, int]:
    """Lines up to that size; how many, and how many have the words."""
    chosen, written, number, hits = random.Random(1), 0, 0, 0  # noqa: S311 - lines to search, no secret
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            rare = number % 100_000 == 7
            said = "timeout waiting for a connection" if rare else f"GET /portfolios/{chosen.randrange(10**6)} answered"
            line = json.dumps({
                "time": (BEGIN + timedelta(milliseconds=10 * number)).isoformat(),
                "level": chosen.choice(("INFO", "INFO", "WARNING", "ERROR")),
                "message": f"{said} in {chosen.randrange(999)} ms",
                "user": f"user-{chosen.randrange(5000)}",
                "request_id": f"{chosen.getrandbits(64):016x}",
            })  # fmt: skip
            written += file.write(line + "\n")
            number, hits = number + 1, hits + rare
    return number, hits


def timed(look: Callable[..., object], *args: object) -> float:
    """Seconds."""
    began = time.perf_counter()
    look(*args)
    return time.perf_counter() - began


def found_by_hutch(path: Path) -> int:
    """By the provider's own search."""
    return len(search([path], LogQuery(WORD, limit=MOST_LINES), 600))


def found_by_json(path: Path) -> int:
    """Each line parsed."""
    word = WORD.lower()
    with path.open("rb") as file:
        return sum(word in json.loads(line)["message"].lower() for line in file)


def found_by_word(path: Path) -> int:
    """Each line lowered, and parsed where it has the words."""
    word, found = WORD.lower().encode(), 0
    with path.open("rb") as file:
        for line in file:
            if word in line.lower():
                found += bool(json.loads(line))
    return found


def _lines(path: Path, most: int) -> list[LogLine]:
    with path.open(encoding="utf-8") as file:
        return [LogLine(BEGIN, "r", line.rstrip()) for line, _ in zip(file, range(most), strict=False)]


def _counted(lines: list[LogLine]) -> Counter[str]:
    return Counter(json.loads(line.text)["message"] for line in lines)


def _allocated(lines: Sequence[LogLine]) -> int:
    """The peak, in bytes, of what telling them apart takes beside the lines themselves."""
    tracemalloc.start()
    try:
        clustered(lines)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _peak(path: Path) -> int:
    told = subprocess.run([sys.executable, "-c", PEAK, str(path)], check=True, capture_output=True, text=True)
    return int(told.stdout)

"""Reading runbooks (parse and classify) over markdown-it-py alone on the same documents; and whether it is linear."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from markdown_it import MarkdownIt

from bench.manual import manual
from bench.measure import Figure, Goal, Ratio, Round, line, parts, per_round
from hutch.commands.documents import classified
from hutch.effect import forget
from hutch.model.runbook import Document, Statement
from hutch.runbook.parse import parse

REPOSITORY = Path(__file__).parents[1]
CORPUS = REPOSITORY / "tests" / "data" / "runbooks" / "corpus"
SEED = REPOSITORY.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
"""The source document, which is not a part of this repository: it is measured where it lies beside the clone."""

SIZES = (100_000, 1_000_000, 10_000_000)
QUICK_SIZES = (20_000, 50_000, 100_000)
"""Bytes of the generated documents."""

REPEATS = {100_000: 9, 1_000_000: 3}
"""How often a small document is read in a round, for its median to count; the largest is read once."""

HOW = (
    "Text to a classified document (structure, steps, statements, placeholders, expectations, and the effect of each "
    "statement with its why), over `MarkdownIt().parse` of markdown-it-py (its default, CommonMark: blocks and inline "
    "parts) on the same texts in the same process, in turn. Generated documents are prose, lists, tables, shell and "
    "SQL in the proportions of a real collection; nearly no statement stands twice in them, and each reading starts "
    "with no verdict remembered. “Read again” has the verdicts of the reading before, as a server has. Linear: the "
    "time of a megabyte in the largest document over that in the smallest. Memory: the peak of a process of its own "
    "over what it had before, for Hutch with the document kept, for markdown-it with its tokens kept."
)

# a process that begins inherits the getrusage peak of its parent, but not the VmHWM (man 5 proc)
PEAK = """
import sys
from pathlib import Path
from bench.runbooks import KINDS, text_of
text, read = text_of(int(sys.argv[2])), KINDS[sys.argv[1]]
read(text_of(20_000))
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
kept = read(text)
print(peak() - before)
"""


def text_of(size: int) -> str:
    """The generated document of that size."""
    return manual(size)


def hutch(text: str) -> Document:
    """Parsed and classified."""
    return classified(parse(text, "bench.md"))


def bare(text: str) -> object:
    """What markdown-it makes of it."""
    return MarkdownIt().parse(text)


KINDS: Mapping[str, Callable[[str], object]] = {"hutch": hutch, "markdown-it": bare}


@dataclass(frozen=True, slots=True)
class Case:
    """Documents that are read together. ``repeats`` is how often in a round."""

    name: str
    texts: Sequence[str]
    repeats: int = 9
    again: bool = True

    def round(self, turn: int) -> Round:
        """Both sides in turn, the other one first in every second round; the median of each counts."""
        sides = {"markdown-it (s)": self._bare, "hutch (s)": self._first, "again (s)": self._again}
        wanted = [side for side in sides if self.again or side != "again (s)"]
        took: dict[str, list[float]] = {side: [] for side in wanted}
        for number in range(self.repeats):
            for side in wanted if (turn + number) % 2 else wanted[::-1]:
                took[side].append(sides[side]())
        return {side: median(seconds) for side, seconds in took.items()}

    def _bare(self) -> float:
        return self._timed(bare)

    def _first(self) -> float:
        forget()
        return self._timed(hutch)

    def _again(self) -> float:
        for text in self.texts:
            hutch(text)
        return self._timed(hutch)

    def _timed(self, read: Callable[[str], object]) -> float:
        gc.collect()
        began = time.perf_counter()
        for text in self.texts:
            read(text)
        return time.perf_counter() - began


def measure(quick: bool) -> Figure:
    """Every case once a round: the two ends of the line are as far apart in time as a round is long."""
    sizes = QUICK_SIZES if quick else SIZES
    cases = [*_found(quick), *(_generated(size, quick) for size in sizes)]
    rounds = [[case.round(turn) for case in cases] for turn in range(1 if quick else 5)]
    by_case = {case.name: [r[i] for r in rounds] for i, case in enumerate(cases)}
    small, large = (_label(sizes[0]), _label(sizes[-1]))
    straight = {case.name: sum(map(len, case.texts)) / 1e6 for case in cases}
    ratios = [_ratio(name, found) for name, found in by_case.items()]
    ratios += [_again(name, found) for name, found in by_case.items() if "again (s)" in found[0]]
    ratios += _linear(by_case[small], by_case[large], straight[large] / straight[small])
    lines = [
        line(side.removesuffix(" (s)"), "bytes", "s", {at: [r[side] for r in by_case[_label(at)]] for at in sizes})
        for side in ("hutch (s)", "markdown-it (s)")
    ]
    every = (*ratios, _memory(SIZES[1] if quick else SIZES[-1]))
    return Figure("runbooks", "Reading runbooks", HOW, every, _facts(cases), tuple(lines))


def _found(quick: bool) -> list[Case]:
    """The documents that are there: the source document if it is, and the corpus of the tests."""
    corpus = [path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*.md"))]
    seed = [SEED.read_text(encoding="utf-8")] if SEED.exists() else []
    cases = [Case("the source document", seed, 3 if quick else 15)] if seed else []
    return [*cases, Case("the corpus of the tests", corpus, 3 if quick else 15)]


def _generated(size: int, quick: bool) -> Case:
    return Case(_label(size), [text_of(size)], 1 if quick else REPEATS.get(size, 1), again=size < SIZES[-1])


def _label(size: int) -> str:
    return f"generated, {size / 1e6:g} MB"


def _ratio(name: str, rounds: Sequence[Round]) -> Ratio:
    value = per_round(rounds, lambda r: r["hutch (s)"] / r["markdown-it (s)"])
    return Ratio(name, "markdown-it alone", value, Goal(3), parts(rounds, "hutch (s)", "markdown-it (s)"))


def _again(name: str, rounds: Sequence[Round]) -> Ratio:
    value = per_round(rounds, lambda r: r["again (s)"] / r["markdown-it (s)"])
    return Ratio(f"{name}, read again", "markdown-it alone", value, None, parts(rounds, "again (s)"))


def _linear(small: Sequence[Round], large: Sequence[Round], times: float) -> list[Ratio]:
    """``times`` is how many times longer the large text is."""
    pairs = list(zip(small, large, strict=True))
    sides = {}
    for side in ("hutch (s)", "markdown-it (s)"):
        both = [{"small": one[side], "large": other[side]} for one, other in pairs]
        sides[side] = per_round(both, lambda r: r["large"] / r["small"] / times)
    floor = "the same in the smallest"
    return [
        Ratio("time of a MB in the largest", floor, sides["hutch (s)"], Goal(1.3)),
        Ratio("markdown-it's own", floor, sides["markdown-it (s)"]),
    ]


def _memory(size: int) -> Ratio:
    mega = size / 1e6
    taken = {kind: _peak(kind, size) / 1024 / mega for kind in KINDS}
    rounds = [{f"{kind} (MiB for each MB)": value for kind, value in taken.items()}]
    names = list(rounds[0])
    value = per_round(rounds, lambda r: r[names[0]] / r[names[1]])
    return Ratio(f"peak of memory, {mega:g} MB", "markdown-it alone", value, None, parts(rounds, *names))


def _peak(kind: str, size: int) -> int:
    """KiB that a process takes for reading one document, over what it had before."""
    words = [sys.executable, "-c", PEAK, kind, str(size)]
    done = subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return int(done.stdout)


def _facts(cases: Sequence[Case]) -> dict[str, str | int | float]:
    facts: dict[str, str | int | float] = {}
    for case in cases:
        told = [s.text for text in case.texts for s in _statements(hutch(text))]
        facts[f"statements of {case.name}"] = f"{len(told)}, of them different {len(set(told))}"
    return facts if SEED.exists() else {**facts, "the source document": "not beside this clone, so not measured"}


def _statements(document: Document) -> list[Statement]:
    return [s for runbook in document.runbooks for _, step in runbook.steps() for s in step.statements]

"""A mutation fuzzer for the parser: documents of the corpus, cut, joined and soiled, until the time is up.

``python tests/fuzz/fuzz_parser.py --seconds 600 --seed 7 --keep FOLDER``: exit 0 when nothing was found, 1 otherwise.
What fails is kept as a file in FOLDER and can be read again: ``python tests/fuzz/fuzz_parser.py FILE…``.

A document may be refused by a RunbookError with a line that it has. Anything else that goes wrong is a failure: another
exception, lines or offsets that are not the document's, two readings that differ, more work than the length asks for.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hutch.model.runbook import Document, Statement, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.hosts import targets
from hutch.runbook.parse import parse
from hutch.runbook.render import render
from hutch.runbook.show import as_json
from hutch.runbook.tree import as_text

RUNBOOKS = Path(__file__).resolve().parent.parent / "data" / "runbooks"

SCRAPS = (
    "```", "~~~~", "```sh {", '```sql {"name":"', "> ", "- ", "1. ", "# ", "## ", "**", "**Step 1:** ", "<!--", "-->",
    "---\n", "+++\n", "[", "]", "](x.md#y)", "{{ ", " }}", "${", "$(", "`", "'", '"', "<<EOF\n", "EOF\n", "\\", "\\\n",
    "/*", "*/", "--", "$$", ";", "# Should return ", "alerts:\n", "$ ", "shop=# ", "redis> ", "\t", "\r", "\x00",
    "\u202e", "\u200b", "\ufeff", "é", "監", "🔥", "    ", "\n\n", "case x in ", "BEGIN ATOMIC ", "CREATE FUNCTION ",
    '"hutch.when":"a == 1"', '"hutch.capture":"a=/(b/"', "<pid>", "[name]", "PREVIOUS_VERSION", "|", "&&", "(", ")",
)  # fmt: skip
"""What is put in: the marks that documents are made of."""

LONGEST = 60_000
"""Characters of a mutant."""

MOST_WORK = 100
"""Python calls for a character of a document: what mutants take is below 20."""


BLANKS = " \t\n\r\f\v"
"""What every language passes over. Other characters that Python calls blank (U+001F, U+00A0) are words to a shell."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A document and what went wrong with it."""

    text: str
    said: str


def mutate(dice: random.Random, documents: Sequence[str]) -> str:
    """One document with a few changes."""
    text = dice.choice(documents)
    for _ in range(dice.choice((1, 1, 2, 3, 5, 8, 20))):
        text = dice.choice(MUTATIONS)(dice, text, documents)
    return text[:LONGEST]


def _put(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(SCRAPS) * dice.choice((1, 1, 1, 2, 50)) + text[at:]


def _cut(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + text[at + dice.randint(1, 80) :]


def _join(dice: random.Random, text: str, documents: Sequence[str]) -> str:
    other = dice.choice(documents)
    return text[: dice.randint(0, len(text))] + other[dice.randint(0, len(other)) :]


def _swap_lines(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    lines = text.split("\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _indent(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    lines = text.split("\n")
    start = dice.randrange(len(lines))
    end = start + dice.randint(1, 12)
    prefix = dice.choice(("  ", "    ", "> ", "- ", "\t"))
    return "\n".join((*lines[:start], *(prefix + line for line in lines[start:end]), *lines[end:]))


def _repeat(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + text[at : at + dice.randint(1, 40)] * dice.randint(2, 100) + text[at:]


def _soil(dice: random.Random, text: str, _documents: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + chr(dice.choice((dice.randrange(0x250), dice.randrange(0xD7FF), 0x10FFFF))) + text[at + 1 :]


MUTATIONS: tuple[Callable[[random.Random, str, Sequence[str]], str], ...] = (
    _put, _put, _put, _cut, _join, _swap_lines, _indent, _repeat, _soil,
)  # fmt: skip


# ------------------------------------------------------------------ what must hold


def check(text: str) -> str:
    """What is wrong with how ``text`` is read; empty if nothing is."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        found = parse(text, "fuzz.md")
    except RunbookError as error:
        return "" if 0 <= error.line <= len(lines) else f"an error on line {error.line} of {len(lines)}"
    except Exception as error:  # noqa: BLE001 - anything else is what is looked for
        return f"{type(error).__name__}: {error}"
    if found != parse(text.encode(), "fuzz.md"):
        return "read twice, it is two documents"
    return _misplaced(found, lines) or _unusable(found)


def _misplaced(found: Document, lines: Sequence[str]) -> str:
    ids: set[str] = set()
    for runbook in found.runbooks:
        for section, step in runbook.steps():
            if not (0 <= section.line <= len(lines) and 1 <= step.line <= len(lines)):
                return f"a step on line {step.line} of {len(lines)}"
            for one in step.statements:
                if one.id in ids:
                    return f"two statements are {one.id}"
                ids.add(one.id)
                if said := _wrong(one, step, lines):
                    return said
    return ""


def _wrong(one: Statement, step: Step, lines: Sequence[str]) -> str:
    if not step.line <= one.line <= len(lines):
        return f"a statement on line {one.line}, outside its block on line {step.line}"
    if not one.text.strip(BLANKS) and not one.action:
        return "an empty statement"
    if any(one.text[p.start : p.end] != p.text for p in one.placeholders):
        return "a placeholder that is not where it says"
    return ""


def _unusable(found: Document) -> str:
    """Showing and rendering may refuse, and nothing else."""
    try:
        as_json(found)
        as_text(found)
        for runbook in found.runbooks:
            for _, step in runbook.steps():
                for one in step.statements:
                    targets(one, step.lang)
                    _render(one, step.lang)
    except Exception as error:  # noqa: BLE001 - anything is what is looked for
        return f"{type(error).__name__}: {error}"
    return ""


def _render(one: Statement, lang: str) -> None:
    try:
        render(one, lang, {p.name: "v'\"; $(x)" for p in one.placeholders})
    except RunbookError:
        return


def work(text: str) -> int:
    """How many Python functions reading ``text`` calls."""
    count = 0

    def trace(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        parse(text, "fuzz.md")
    except RunbookError:
        pass
    finally:
        sys.setprofile(before)
    return count


def documents(folder: Path = RUNBOOKS) -> list[str]:
    """What is mutated: every runbook of the tests' data, the bad ones too."""
    return [path.read_bytes().decode() for path in sorted(folder.rglob("*.md"))]


def fuzz(seconds: float, seed: int, given: Sequence[str]) -> tuple[int, list[Failure]]:
    """How many mutants were read within so many seconds of this process's own time, and what failed."""
    dice = random.Random(seed)
    found: dict[str, Failure] = {}
    until, count = time.process_time() + seconds, 0
    while time.process_time() < until:
        text = mutate(dice, given)
        count += 1
        said = check(text)
        if not said and count % 20 == 0 and (calls := work(text)) > MOST_WORK * (len(text) + 100):
            said = f"{calls} calls for {len(text)} characters"
        if said:
            found.setdefault(said[:60], Failure(text, said))
    return count, [*found.values()]


def keep(failure: Failure, folder: Path) -> Path:
    """Writes the document of a failure; the same one always under the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = failure.text.encode("utf-8", "surrogatepass")
    path = folder / f"fuzz-{hashlib.sha256(raw).hexdigest()[:12]}.md"
    path.write_bytes(raw)
    return path


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz, or read the given files again."""
    parser = argparse.ArgumentParser(description="Mutates the runbooks of the tests and looks how they are read.")
    parser.add_argument("files", nargs="*", type=Path, help="documents to read instead of fuzzing")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), metavar="FOLDER")
    given = parser.parse_args(words)
    if given.files:
        told = [(path, check(path.read_bytes().decode("utf-8", "surrogatepass"))) for path in given.files]
        sys.stdout.writelines(f"{path}: {said or 'well'}\n" for path, said in told)
        return int(any(said for _, said in told))
    count, failures = fuzz(given.seconds, given.seed, documents())
    for failure in failures:
        print(f"{keep(failure, given.keep)}: {failure.said}")
    print(f"{count} documents, {len(failures)} kinds of failure, seed {given.seed}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

"""A mutation fuzzer for what statements can do: lines of the corpora, cut, joined and soiled, until the time is up.

``python tests/fuzz/fuzz_effect.py --lang sql --seconds 200 --seed 7 --keep FOLDER``: exit 0 when nothing was found, 1
otherwise. What fails is kept as a file in FOLDER and can be judged again: ``python tests/fuzz/fuzz_effect.py FILE…``.

Nothing is run. A failure is an exception, a reason that is no short line, too much time, or a verdict that a rewriting
lowers: a harmful statement before or behind, other blanks, comments, ``bash -c`` or ``psql -c`` around.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hutch.effect import classify_http, classify_shell, classify_sql
from hutch.effect.sqlwords import LIMIT
from hutch.model.effect import LONGEST_WHY, Effect, Verdict

DATA = Path(__file__).resolve().parent.parent / "data" / "effect"
SUFFIX = {"sql": ".sql", "bash": ".sh", "http": ".http"}
JUDGES: dict[str, Callable[[str], Verdict]] = {"sql": classify_sql, "bash": classify_shell, "http": classify_http}

SCRAPS: dict[str, list[str]] = tomllib.loads((DATA / "scraps.toml").read_text("utf-8"))
"""What is put in: the marks that each language is made of."""

HARM = {"sql": "delete from t where a = 1", "bash": "mv a b", "http": "###\nPOST https://x"}
LONGEST = 4_000
"""Characters of an ordinary mutant; one in fifty is repeated up to the limit past which nothing is parsed."""
MOST_SECONDS = 10.0
"""Of this process's time for one text of any length. A text of 64 kB takes about one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A text and what went wrong with it."""

    lang: str
    text: str
    said: str


def corpus(lang: str) -> list[str]:
    """What is mutated: every line of the tests' data in that language."""
    if lang == "http":
        return [
            "GET https://x/y HTTP/1.1\nAccept: */*\n",
            "POST https://x\nA: b\n\n{}\n###\nDELETE https://y",
            "https://x",
        ]
    names = ("sql-*",) if lang == "sql" else ("shell-*", "by-program", "endless", "sensitive")
    return [line for name in names for path in sorted(DATA.glob(f"{name}.txt")) for line in _lines(path)]


def _lines(path: Path) -> Iterator[str]:
    marked = path.stem not in {f"{kind}-{e}" for kind in ("sql", "shell") for e in ("read", "change", "destroy")}
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield (line.partition(" ")[2] if marked else line).replace("⏎", "\n")


# ------------------------------------------------------------------ mutants


def mutate(dice: random.Random, lang: str, given: Sequence[str]) -> str:
    """One text with a few changes."""
    text = dice.choice(given)
    for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3, 5, 8, 20))):
        text = dice.choice(MUTATIONS)(dice, text, lang, given)
    text = text[:LONGEST]
    return (
        (text * (LIMIT // (len(text.encode("utf-8", "replace")) or 1)))[: LIMIT - 9] if dice.random() < 0.02 else text
    )


def _put(dice: random.Random, text: str, lang: str, _given: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(SCRAPS[lang]) * dice.choice((1, 1, 1, 1, 2, 90)) + text[at:]


def _cut(dice: random.Random, text: str, _lang: str, _given: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + text[at + dice.randint(1, 8) :]


def _join(dice: random.Random, text: str, lang: str, given: Sequence[str]) -> str:
    other = dice.choice(given)
    glue = dice.choice((" ", "\n", "", dice.choice(SCRAPS[lang])))
    return text[: dice.randint(0, len(text))] + glue + other[dice.randint(0, len(other)) :]


def _put_line(dice: random.Random, text: str, _lang: str, given: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(given) + text[at:]


def _swap(dice: random.Random, text: str, _lang: str, _given: Sequence[str]) -> str:
    words = text.split(" ")
    one, other = dice.randrange(len(words)), dice.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


def _repeat(dice: random.Random, text: str, _lang: str, _given: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + text[at : at + dice.randint(1, 20)] * dice.randint(2, 60) + text[at:]


def _soil(dice: random.Random, text: str, _lang: str, _given: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + chr(dice.choice((dice.randrange(0x250), dice.randrange(0xD7FF), 0x10FFFF))) + text[at + 1 :]


Mutation = Callable[[random.Random, str, str, Sequence[str]], str]
MUTATIONS: tuple[Mutation, ...] = (_put, _put, _put, _cut, _join, _put_line, _swap, _repeat, _soil)


# ------------------------------------------------------------------ what must hold


def check(lang: str, text: str) -> str:
    """What is wrong with the verdict about ``text``; empty if nothing is."""
    try:
        with within(MOST_SECONDS):
            verdict = JUDGES[lang](text)
            return _odd(verdict) or _lowered(lang, text, verdict)
    except Exception as error:  # noqa: BLE001 - anything is what is looked for
        return f"{type(error).__name__}: {error}"


class TooLong(Exception):
    """More of the processor's time than any text may take."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises :class:`TooLong` in what takes more of this process's time."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooLong(f"more than {seconds:.0f} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _odd(verdict: Verdict) -> str:
    if not verdict.why or "\n" in verdict.why:
        return f"a reason that is no line: {verdict.why!r}"
    return f"a reason of {len(verdict.why)} characters" if len(verdict.why) > LONGEST_WHY else ""


def _lowered(lang: str, text: str, verdict: Verdict) -> str:
    """A rewriting that keeps all of the harm, and is called less harmful: which, and what is said of it."""
    if len(text) > LONGEST:
        return ""
    for name, made, least in rewritings(lang, text, min(verdict.effect, Effect.CHANGE)):
        if name in ("with comments", "after a comment") and "cannot be parsed" in verdict.why:
            continue  # the parser reads some of these when there is more between the words, or before them
        other = classify_shell(made) if name in SHELLED else JUDGES[lang](made)
        if other.effect < least:
            return f"{verdict.effect.word}, and {other.effect.word} {name}: {other.why}"
    return ""


SHELLED = ("in psql -c", "in bash -c")


def rewritings(lang: str, text: str, least: Effect) -> Iterator[tuple[str, str, Effect]]:
    """Other texts that do at least as much: how each is told, the text, and the least effect that it must have."""
    harm = HARM[lang]
    blank = "" if lang == "http" else " \n\t "
    yield "with blanks around", f"{blank}{text}{blank}", least
    quoted = text.replace("'", "'\\''")
    if lang == "sql":
        yield "with harm before", f"{harm};\n{text}", Effect.CHANGE
        yield "with harm behind", f"{text}\n;{harm}", least
        yield "with comments", text.replace(" ", " /**/ "), least
        yield "in psql -c", f"psql -c '{quoted}'", max(least, Effect.NONE)
    elif lang == "bash":
        yield "with harm before", f"{harm}\n{text}", Effect.CHANGE
        if not text.endswith("\\"):  # which would make the harm a part of the last line
            yield "with harm behind", f"{text}\n{harm}", least
        yield "after a comment", f"# x\n{text}", least
        yield "in bash -c", f"bash -c '{quoted}'", least
    else:
        yield "with harm before", f"POST https://x\n\n{{}}\n###\n{text}", Effect.CHANGE
        yield "with harm behind", f"{text}\n{harm}", least


def fuzz(lang: str, seconds: float, seed: int, given: Sequence[str]) -> tuple[int, list[Failure]]:
    """How many mutants were judged within so many seconds of this process's own time, and what failed."""
    dice = random.Random(seed)
    found: dict[str, Failure] = {}
    until, count = time.process_time() + seconds, 0
    while time.process_time() < until:
        text = mutate(dice, lang, given)
        count += 1
        if said := check(lang, text):
            found.setdefault(said[:40], Failure(lang, text, said))
    return count, [*found.values()]


def keep(failure: Failure, folder: Path) -> Path:
    """Writes the text of a failure; the same one always under the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = failure.text.encode("utf-8", "surrogatepass")
    path = folder / f"fuzz-{hashlib.sha256(raw).hexdigest()[:12]}{SUFFIX[failure.lang]}"
    path.write_bytes(raw)
    return path


def read_kept(path: Path) -> tuple[str, str]:
    """Language and text of a kept failure."""
    lang = next(name for name, suffix in SUFFIX.items() if suffix == path.suffix)
    return lang, path.read_bytes().decode("utf-8", "surrogatepass")


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz, or judge the given files again."""
    parser = argparse.ArgumentParser(description="Mutates the lines of the tests and looks what is said of them.")
    parser.add_argument("files", nargs="*", type=Path, help="texts to judge instead of fuzzing")
    parser.add_argument("--lang", choices=sorted(JUDGES), default="bash")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), metavar="FOLDER")
    given = parser.parse_args(words)
    if given.files:
        told = [(path, check(*read_kept(path))) for path in given.files]
        sys.stdout.writelines(f"{path}: {said or 'well'}\n" for path, said in told)
        return int(any(said for _, said in told))
    count, failures = fuzz(given.lang, given.seconds, given.seed, corpus(given.lang))
    for failure in failures:
        print(f"{keep(failure, given.keep)}: {failure.said}")
    print(f"{count} texts of {given.lang}, {len(failures)} kinds of failure, seed {given.seed}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

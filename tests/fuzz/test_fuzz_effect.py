"""The fuzzer of effects for some seconds, and that it finds what it looks for; long texts take time by their length."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hutch.effect import classify_shell, classify_sql
from hutch.effect.sqlwords import LIMIT
from hutch.model.effect import Effect, Verdict

from . import fuzz_effect

KEPT = sorted(p for p in (Path(__file__).parent / "kept").iterdir() if p.suffix in fuzz_effect.SUFFIX.values())


@pytest.mark.parametrize(("lang", "seconds"), [("sql", 2), ("bash", 2), ("http", 1)])
def test_some_seconds_find_nothing(lang: str, seconds: int, tmp_path: Path) -> None:
    count, failures = fuzz_effect.fuzz(lang, seconds, 20_311, fuzz_effect.corpus(lang))
    assert count > 20
    assert [(f.said, fuzz_effect.keep(f, tmp_path)) for f in failures] == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_was_once_found_is_mended(path: Path) -> None:
    assert fuzz_effect.check(*fuzz_effect.read_kept(path)) == ""


def test_mutants_are_the_same_for_the_same_seed() -> None:
    given = fuzz_effect.corpus("bash")
    one, other = random.Random(3), random.Random(3)
    made = [[fuzz_effect.mutate(dice, "bash", given) for _ in range(9)] for dice in (one, other)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            lambda text: Verdict(Effect.READ if "/**/" in text else Effect.CHANGE, "x"),
            "change, and read with comments: x",
        ),
        (lambda text: Verdict(Effect.CHANGE, "x\ny"), "a reason that is no line: 'x\\ny'"),
        (lambda text: Verdict(Effect.READ, "x"), "read, and read with harm before: x"),
        (lambda text: Verdict(Effect.CHANGE, {}[text]), "KeyError: 'select 1'"),
    ],
    ids=["lowered", "reason", "unseen", "raises"],
)
def test_a_classifier_that_is_wrong_is_found(
    wrong: Callable[[str], Verdict], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(fuzz_effect.JUDGES, "sql", wrong)
    assert fuzz_effect.check("sql", "select 1") == said
    path = fuzz_effect.keep(fuzz_effect.Failure("sql", "select 1", said), tmp_path)
    assert fuzz_effect.main([str(path)]) == 1
    monkeypatch.undo()
    assert fuzz_effect.main([str(path)]) == 0


LONG: list[tuple[Callable[[str], Verdict], str]] = [
    (classify_sql, "select a from t where b = 1 and c in (1, 2, 3);\n"),
    (classify_sql, "-- a comment\n"),
    (classify_sql, "/* x */ "),
    (classify_sql, "'x' "),
    (classify_sql, "f("),
    (classify_sql, "\\dt\n"),
    (classify_sql, "$a$"),
    (classify_sql, "insert into t values (1, 'x');"),
    (classify_shell, "ls -l x\n"),
    (classify_shell, "cat x | cat && "),
    (classify_shell, "nice "),
    (classify_shell, "find . -exec "),
    (classify_shell, "# x\n"),
    (classify_shell, "$(ls "),
    (classify_shell, "sed 's/a/b/' x; "),
    (classify_shell, "awk '{print $1}' y && "),
    (classify_shell, "x "),
    (classify_shell, '"$X"'),
    (classify_shell, "cat <<EOF\nx\nEOF\n"),
    (classify_shell, "find . -name x "),
    (classify_shell, "kubectl get pods -n x "),
    (classify_shell, "\\\n"),
    (classify_shell, "-"),
]


@pytest.mark.parametrize(("judge", "scrap"), LONG, ids=lambda x: x if isinstance(x, str) else "")
def test_time_grows_with_the_length(judge: Callable[[str], Verdict], scrap: str) -> None:
    """Four times the text takes about four times as long: far from the sixteen of quadratic work."""
    short, long = (scrap * (size // len(scrap)) for size in (LIMIT // 8, LIMIT // 2))
    brief, whole = (_seconds(judge, text) for text in (short, long))
    assert whole < 9 * brief + 0.5, f"{brief:.2f} s, and {whole:.2f} s for four times as much"


def _seconds(judge: Callable[[str], Verdict], text: str) -> float:
    start = time.process_time()
    judge(text)
    return time.process_time() - start

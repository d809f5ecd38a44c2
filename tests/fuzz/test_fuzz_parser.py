"""The parser's fuzzer for some seconds, and that it finds what it looks for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hutch.model.runbook import Document
from hutch.runbook.parse import parse

from . import fuzz_parser

KEPT = sorted((Path(__file__).parent / "kept").glob("*.md"))


def test_some_seconds_find_nothing(tmp_path: Path) -> None:
    count, failures = fuzz_parser.fuzz(2, 20_311, fuzz_parser.documents())
    assert count > 5
    assert [(f.said, fuzz_parser.keep(f, tmp_path)) for f in failures] == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_once_found_is_mended(path: Path) -> None:
    assert fuzz_parser.check(path.read_bytes().decode("utf-8", "surrogatepass")) == ""


def test_mutants_are_the_same_for_the_same_seed() -> None:
    given = fuzz_parser.documents()
    one, other = random.Random(3), random.Random(3)
    assert [fuzz_parser.mutate(one, given) for _ in range(9)] == [fuzz_parser.mutate(other, given) for _ in range(9)]


def test_a_parser_that_breaks_is_found_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def breaks(text: str | bytes, source: str) -> Document:
        if isinstance(text, str) and len(text) % 2:
            raise KeyError("odd")
        return parse(text, source)

    monkeypatch.setattr(fuzz_parser, "parse", breaks)
    _, failures = fuzz_parser.fuzz(0.5, 1, ["# A\n"])
    assert [f.said for f in failures] == ["KeyError: 'odd'"]
    path = fuzz_parser.keep(failures[0], tmp_path)
    assert fuzz_parser.check(path.read_bytes().decode()) == "KeyError: 'odd'"
    monkeypatch.undo()
    assert fuzz_parser.main([str(path)]) == 0

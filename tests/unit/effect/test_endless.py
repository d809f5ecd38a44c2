"""Which statements go on until they are stopped: a time limit is no failure of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hutch.effect import classify

LINES = Path(__file__).parents[2] / "data" / "effect" / "endless.txt"


def rows() -> list[tuple[str, str]]:
    lines = [line for line in LINES.read_text("utf-8").splitlines() if not line.startswith("## ")]
    return [(text.replace("⏎", "\n"), word) for word, _, text in (line.partition(" ") for line in lines)]


@pytest.mark.parametrize(("text", "word"), rows())
def test_what_goes_on_and_what_ends(text: str, word: str) -> None:
    assert classify("bash", text).endless is {"endless": True, "ends": False}[word]

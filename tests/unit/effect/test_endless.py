"""Which statements go on until they are stopped: a time limit is no failure of theirs."""

from __future__ import annotations

from pathlib import Path

from hutch.effect import classify

LINES = Path(__file__).parents[2] / "data" / "effect" / "endless.txt"


def rows() -> list[tuple[str, str]]:
    lines = [line for line in LINES.read_text("utf-8").splitlines() if not line.startswith("## ")]
    return [(text.replace("⏎", "\n"), word) for word, _, text in (line.partition(" ") for line in lines)]


def test_what_goes_on_and_what_ends() -> None:
    found = [(text, word, classify("bash", text)) for text, word in rows()]
    assert len(found) > 100
    assert [row for row in found if row[2].endless is not {"endless": True, "ends": False}[row[1]]] == []

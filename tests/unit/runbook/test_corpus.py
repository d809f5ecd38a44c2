"""Documents in the style of public runbook collections, each with the outline that a reader would give it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hutch.runbook.parse import parse

from .corpus import outline

CORPUS = Path(__file__).resolve().parents[2] / "data" / "runbooks" / "corpus"
DOCUMENTS = sorted(CORPUS.glob("*.md"))


def test_the_corpus_is_whole() -> None:
    assert len(DOCUMENTS) >= 30
    assert {d.stem for d in DOCUMENTS} == {o.stem for o in CORPUS.glob("*.json")}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_has_its_outline(path: Path) -> None:
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert outline(parse(path.read_bytes(), path.name)) == kept


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_line_ends_make_no_difference(path: Path) -> None:
    unix = path.read_bytes().replace(b"\r\n", b"\n")
    found = [outline(parse(unix.replace(b"\n", end), path.name)) for end in (b"\n", b"\r\n", b"\r")]
    assert found[0] == found[1] == found[2]

"""The console's guide names every page of the head, every letter, and every key there is."""

from __future__ import annotations

import re
from pathlib import Path

from hutch.web.assets import FOLDER
from hutch.web.ways import WAYS

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/console.md").read_text("utf-8")


def test_every_page_and_its_letter() -> None:
    told = re.findall(r"`(\w)` ([a-z ]*[a-z])", next(row for row in GUIDE.splitlines() if "then a letter" in row))
    assert told == [(way.key, way.word.lower()) for way in WAYS if way.key]
    assert [way.href for way in WAYS if f"`{way.href}`" not in GUIDE] == []


def test_every_key() -> None:
    script = (FOLDER / "keys.js").read_text("utf-8").partition("const KEYS = {")[2].partition("};")[0]
    keys = re.findall(r'^  "(.)": ', script, re.MULTILINE)
    assert len(keys) == 6
    assert [key for key in keys if f"`{key}`" not in GUIDE] == []

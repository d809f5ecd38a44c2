"""Each rule has its bad document, whose exact messages are asserted, and its good one, in which it finds nothing.

``tests/data/lint/CODE-NAME.md`` holds what the rule must find, in every form; the ``.txt`` beside it what it says, and
``good/CODE-NAME.md`` what looks alike and is fine.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hutch.commands.lint import lint_paths
from hutch.runbook.lint import RULES, Rule
from hutch.runbook.lint.report import as_text

TODAY = date(2026, 11, 24)
DATA = Path(__file__).resolve().parents[3] / "data" / "lint"


def said(path: str, rule: Rule) -> str:
    """What the rule says of a document, without its path."""
    report = lint_paths([Path(path)], (rule,), TODAY)
    assert report.unreadable == {}
    return as_text(report).rpartition("\n\n")[0].replace(f"{path}:", "")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_the_bad_document_is_found_and_the_good_one_is_not(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    name = f"{rule.code}-{rule.name}"
    assert said(f"{name}.md", rule).splitlines() == Path(f"{name}.txt").read_text("utf-8").splitlines()
    assert said(f"good/{name}.md", rule) == ""


def test_every_document_belongs_to_a_rule() -> None:
    names = {f"{rule.code}-{rule.name}" for rule in RULES}
    assert {p.stem for p in DATA.glob("*.*")} == {p.stem for p in (DATA / "good").iterdir()} == names

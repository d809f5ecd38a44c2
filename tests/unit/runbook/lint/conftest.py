"""What the lint's tests share: the linter as a function of files, judging review dates as of one day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from hutch.commands.lint import lint_paths
from hutch.runbook.lint import RULES
from hutch.runbook.lint.report import Report

TODAY = date(2026, 11, 24)
BESIDE = {"backups.md": "# Backups\n\n## Restore\n\nTake the newest.\n"}
"""What lies beside a document, for links to lead to."""


@pytest.fixture
def linted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Report]:
    """Lints a text as ``runbook.md``."""
    monkeypatch.chdir(tmp_path)
    for name, text in BESIDE.items():
        Path(name).write_text(text)

    def lint(text: str) -> Report:
        Path("runbook.md").write_text(text)
        return lint_paths([Path("runbook.md")], RULES, TODAY)

    return lint

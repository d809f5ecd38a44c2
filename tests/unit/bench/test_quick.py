"""Every figure can be measured; what it comes to is no matter here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.__main__ import FIGURES

ROOT = Path(__file__).parents[3]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )


ALWAYS = ("steps", "log", "runbooks")
"""The figures whose quick form takes seconds; the others are measured with the slow tests."""

NAMES = [pytest.param(n, marks=[] if n in ALWAYS else [pytest.mark.slow]) for n in FIGURES]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_can_be_measured(tmp_path: Path, name: str) -> None:
    done = bench("--quick", "--only", name, "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == data
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# Bench report")
    (figure,) = data["figures"]
    assert (data["quick"], figure["name"]) == (True, name)
    assert figure["ratios"]
    assert all(r["ratio"]["median"] > 0 or name == "steps" for r in figure["ratios"])
    if name == "waiting":
        assert (figure["facts"]["jobs taken"], figure["facts"]["jobs dead"]) == (0, 0)
        assert figure["facts"]["timers waiting (one for each run's expiry)"] == figure["facts"]["runs waiting"]
    if name == "diagnosis":
        assert figure["facts"]["cause found with the fault"] == "postgres.connection_leak"


def test_an_unknown_figure_is_refused_by_name() -> None:
    done = bench("--only", "nothing")
    assert done.returncode == 2
    assert "invalid choice: 'nothing'" in done.stderr


def test_the_guide_says_what_each_figure_is() -> None:
    guide = (ROOT / "docs" / "guide" / "measuring.md").read_text(encoding="utf-8")
    assert [name for name in FIGURES if f"\n| `{name}` |" not in guide] == []

"""A document played under the faults that its chapters are for: ``python -m rehearsal``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT.parent / "shared" / "seed" / "rolerabbit-runbooks.md"


def rehearsed(tmp_path: Path, name: str, *words: str, code: int = 0) -> dict[str, Any]:
    """The report of a call; it has to end with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", *words, "--dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = (
        json.loads((tmp_path / f"{name}.json").read_text("utf-8")) if code != 2 else {"said": done.stderr}
    )
    return told


@pytest.mark.timeout(200)
def test_a_chapter_of_the_source_document(tmp_path: Path) -> None:
    if not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    told = rehearsed(tmp_path, "seed", "--only", "scale-down-reduced-load")
    [chapter] = [c for c in told["documents"][0]["chapters"] if c["id"] == "scale-down-reduced-load"]
    [row] = chapter["statements"]
    assert (row["line"], row["effect"], row["became"]) == (784, "change", "done")
    assert (row["tried"][0]["platform"], row["tried"][0]["person"]) == ("ecs", "on-call (rehearsal) approved it")
    assert "service.scale(replicas: 1" in row["tried"][0]["ran_as"]


def test_a_chapter_that_is_not_there(tmp_path: Path) -> None:
    said = rehearsed(tmp_path, "library", "--library", "--only", "nothing", code=2)["said"]
    assert said.startswith("Error: there is no chapter nothing; there are: ") and "redis#redis-in-trouble" in said


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", ["seed"])
def test_the_whole(tmp_path: Path, name: str) -> None:
    """Each scene comes to its end, and each statement ends as the committed report says of it."""
    if name == "seed" and not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    told = rehearsed(tmp_path, name, *(["--library"] if name == "library" else []))
    kept = json.loads((ROOT / "docs" / "reports" / f"{name}.json").read_text("utf-8"))
    assert became(told) == became(kept)


def became(told: dict[str, Any]) -> dict[tuple[str, int], str]:
    return {
        (d["document"], r["line"]): r["became"]
        for d in told["documents"]
        for c in d["chapters"]
        for r in c["statements"]
    }

"""What a rehearsal refuses before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from rehearsal.__main__ import main


def test_a_chapter_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--library", "--only", "nothing", "--dir", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: there is no chapter nothing; there are: ") and "redis#redis-in-trouble" in said
    assert not (tmp_path / "made").exists()


def test_a_document_or_a_script_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.md")]) == 2
    assert "there is no document" in capsys.readouterr().err
    assert main(["--library", "--script", str(tmp_path / "none.toml")]) == 2
    assert "none.toml is no script: " in capsys.readouterr().err

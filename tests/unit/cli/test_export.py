"""``hutch incident export`` and ``hutch verify BUNDLE``: the second works where there is nothing but the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text("services: {shop: {}}\n")
    name = str(json.loads(hutch("incident", "declare", "Slow <b>", "--severity", "SEV-3", "--json").output)["id"])
    hutch("incident", "note", name, "the pool is full")
    return name


def test_a_bundle_is_proved_without_a_configuration(
    incident: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hutch("incident", "export", incident, "--format", "bundle", "--out", "b.jsonl").output == "b.jsonl\n"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = hutch("verify", "../b.jsonl")
    assert said.exit_code == 0 and said.output.startswith(f"{incident}: every chain is intact and whole\n")
    whole = (tmp_path / "b.jsonl").read_text()
    Path("forged.jsonl").write_text(whole.replace("the pool is full", "nothing is wrong"))
    said = hutch("verify", "forged.jsonl")
    assert (said.exit_code, said.output) == (3, f"incident:{incident}#4: its data was altered\n")
    assert "line 5: this is no JSON" in str(hutch("verify", _cut(whole)).exception)


def _cut(whole: str) -> str:
    Path("cut.jsonl").write_text(whole[:-40])
    return "cut.jsonl"


def test_the_timeline_to_read_and_as_data(incident: str) -> None:
    page = hutch("incident", "export", incident).output
    assert page.startswith(f"# Timeline of {incident}\n") and r"Slow \<b\>" in page
    rows = json.loads(hutch("incident", "export", incident, "--format", "json").output)
    assert rows[-1]["ref"] == f"incident:{incident}#4" and rows[-1]["text"].endswith("noted: the pool is full")


def test_nothing_is_half_written(incident: str, tmp_path: Path) -> None:
    (tmp_path / "b.new").touch()
    assert "is in the way" in str(hutch("incident", "export", incident, "--out", "b").exception)
    assert not (tmp_path / "b").exists()
    assert "cannot write" in str(hutch("incident", "export", incident, "--out", "none/b").exception)

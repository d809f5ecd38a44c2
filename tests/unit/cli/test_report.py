"""``hutch report`` over a real store: for people, for programs, for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli
from hutch.commands.context import CommandError

HOSTILE = '=HYPERLINK("http://evil","x")\x1b[2J'


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text("services: {shop: {}}\n")
    assert hutch("incident", "declare", HOSTILE, "--severity", "SEV-2").exit_code == 0
    return tmp_path


def test_a_page_for_people(home: Path) -> None:
    said = hutch("report").output
    assert said.startswith("1 incident, ") and "By severity\n  SEV-2  █" in said and "\x1b" not in said
    assert "(nothing to count)" in said and "response" in said


def test_json_has_stable_keys(home: Path) -> None:
    data = json.loads(hutch("report", "--json").output)
    assert list(data) == [
        "since", "until", "incidents", "times", "by_severity", "by_service", "by_cause", "promises", "overdue",
        "noise", "runbooks", "archived",
    ]  # fmt: skip
    assert data["incidents"][0]["promises"] == {"response-1": "running", "update-1": "running"}


def test_a_title_is_no_formula_in_a_spreadsheet(home: Path) -> None:
    head, row = csv.reader(io.StringIO(hutch("report", "--csv").output))
    assert dict(zip(head, row, strict=True))["title"].startswith("'=HYPERLINK") and "\x1b" not in str(row)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--since", "soon"], "--since: cannot read 'soon'; write a length of time back as 7d or 24h, or a date"),
        (["--since", "1h", "--until", "2026-01-01"], "before it begins; change --until"),
        (["--csv", "--json"], "--csv and --json at once: choose one"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(home: Path, words: list[str], error: str) -> None:
    found = hutch("report", *words).exception
    assert isinstance(found, CommandError) and error in str(found) and found.code == 2

"""``hutch todo`` over a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli


def hutch(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text("services: {shop: {}}\ncalendar: {zone: Europe/Berlin, hours: '08:00-16:30'}\n")
    return str(json.loads(hutch("incident", "declare", "Slow", "--severity", "SEV-3", "--json").output)["id"])


def test_from_added_to_done(incident: str) -> None:
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    said = hutch("todo", "add", incident, "Bound the pool", "--owner", "olivia", "--due", day.isoformat(), "--json")
    data = json.loads(said.output)
    assert data["id"] == f"{incident}/1" and data["due"].startswith(f"{day}T1"), "the close of that day in Berlin"
    assert data["due"][11:16] in ("14:30", "15:30")
    listed = hutch("todo", "list").output
    left = (datetime.fromisoformat(data["due"]) - datetime.now(UTC)) / timedelta(days=1)
    assert listed.startswith("ID ") and f"in {round(left)} d" in listed and "Bound the pool" in listed
    moved = json.loads(hutch("todo", "move", f"{incident}/1", "--due", "3d", "--owner", "sam", "--json").output)
    assert moved["owner"] == "sam" and moved["due"] < data["due"]
    assert (
        hutch("todo", "done", f"{incident}/1", "--note", "deployed").output
        == f"{incident}/1  sam  done  Bound the pool\n"
    )
    assert hutch("todo", "list").output == "nothing to do\n"
    [row] = json.loads(hutch("todo", "list", "--all", "--json").output)
    assert (row["state"], row["note"], row["overdue"]) == ("done", "deployed", False)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--due", "soon"], "--due: cannot read 'soon'; write a length of time ahead as 14d, or a date as 2026-01-31"),
        (["--due", "2020-01-01"], "it must lie ahead"),
        (["--due", "1d", "--link", "ftp://x"], "must be an http or https address"),
    ],
)
def test_bad_input_is_one_clear_error(incident: str, words: list[str], error: str) -> None:
    assert error in str(hutch("todo", "add", incident, "t", "--owner", "o", *words).exception)
    assert hutch("todo", "list").output == "nothing to do\n"

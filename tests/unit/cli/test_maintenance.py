"""``hutch maintenance``: planned by the command, listed with those of the configuration, ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli

CONFIG = """
services: {shop: {}}
maintenance:
  - {name: backup, every: day 02:30, for: 2h}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*words: str) -> Result:
    return CliRunner().invoke(cli, ["maintenance", *words])


def test_it_is_added_listed_and_ended(home: Path) -> None:
    added = json.loads(said("add", "Database move", "--service", "shop", "--for", "2h", "--json").output)
    assert (added["id"], added["service"], added["open"], added["state"]) == ("M-001", "shop", True, "open")
    rows = json.loads(said("list", "--json").output)
    assert {(r["id"], r["name"]) for r in rows} >= {("M-001", "Database move"), ("", "backup")}
    assert all({"starts_at", "ends_at", "by", "open"} <= row.keys() for row in rows)
    assert "Database move" in said("list").output
    assert said("end", "M-001").output == "M-001 is over\n"
    assert "M-001" not in said("list").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x"], "say when it ends"),
        (["x", "--for", "2h", "--to", "2027-01-01T02:00:00Z"], "say when it ends"),
        (["x", "--from", "tomorrow", "--for", "1h"], "--from:"),
        (["x", "--to", "2027-01-01T02:00:00"], "has no time zone"),
        (["x", "--for", "soon"], "soon"),
    ],
)
def test_what_makes_no_sense_is_said(home: Path, words: list[str], told: str) -> None:
    found = said("add", *words)
    assert found.exit_code != 0
    assert told in (found.output + str(found.exception))

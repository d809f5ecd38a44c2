"""``hutch alert``: by hand, listed, silenced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli

CONFIG = """
services:
  shop: {http: {url: "http://127.0.0.1:9"}}
  api: {http: {url: "http://127.0.0.1:9"}}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUTCH_CONFIG", raising=False)


def hutch(*words: str) -> str:
    done = CliRunner().invoke(cli, ["alert", *words])
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return done.stdout


def rows(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hutch(*words, "--json"))
    return found


def test_an_alert_by_hand_opens_once_and_ends() -> None:
    words = ("send", "--rule", "Disk full", "--service", "shop", "--severity", "2", "--label", "disk=sda")
    first = json.loads(hutch(*words, "--json"))
    assert first["outcome"] == "opened"
    assert hutch(*words).split()[0] == "known"
    assert hutch(*words, "--resolved").strip() == f"ended  {first['incident']}"
    (row,) = rows("list")
    assert (row["rule"], row["state"], row["severity"], row["incident"]) == (
        "Disk full",
        "resolved",
        "SEV-2",
        first["incident"],
    )


def test_a_silence_holds_back_is_listed_and_expires() -> None:
    assert hutch("silence", "--match", "service=shop", "--for", "2h", "--reason", "upgrade").startswith("S-001 until ")
    (silence,) = rows("silence", "list")
    assert (silence["matchers"], silence["reason"]) == ("service=shop", "upgrade")
    assert hutch("send", "--rule", "Disk full", "--service", "shop").split() == ["held"]
    (row,) = rows("list")
    assert (row["state"], row["held"]) == ("firing", "silence S-001: upgrade")
    assert "over" in hutch("silence", "expire", "S-001")
    assert rows("silence", "list") == []
    assert "nothing is silenced" in hutch("silence", "list")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("silence", "--match", "x=y", "--for", "2h"), "say why with --reason"),
        (("silence", "--match", "x=y", "--for", "soon", "--reason", "r"), "cannot read duration 'soon'"),
        (("silence", "--for", "2h", "--reason", "r"), "at least one matcher"),
        (("send", "--rule", "x", "--label", "y"), "a label is NAME=VALUE, not 'y'"),
        (("send", "--rule", "x", "--severity", "9"), "unknown severity '9'"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, ["alert", *words])
    assert said in str(done.exception)
    assert getattr(done.exception, "code", None) == 2

"""The units and the container file that we hand out: what they run exists, and no right is left that is not needed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from hutch.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))
HARDENED = {
    "NoNewPrivileges=true", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=true", "PrivateTmp=true",
    "PrivateDevices=true", "RestrictNamespaces=true", "RestrictSUIDSGID=true", "UMask=0077", "User=hutch",
}  # fmt: skip
CONTAINER = (ROOT / "packaging" / "Containerfile").read_text("utf-8")
PATHS = re.compile(r"packaging/[\w./@-]+")


def exists(words: list[str]) -> str:
    """What of a `hutch` command line there is not; empty where there is all of it."""
    options = {"--config"}
    while words and words[0] in options:
        words = words[2:]
    command: click.Command | None = cli.get_command(click.Context(cli), words[0])
    if command is None:
        return words[0]
    known = {name for parameter in command.params for name in parameter.opts}
    return next((word for word in words[1:] if word.startswith("--") and word not in known), "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_a_unit_runs_a_command_that_there_is(unit: Path) -> None:
    [line] = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    program, *words = shlex.split(line)
    assert program == "/opt/hutch/bin/hutch"
    assert exists(words) == ""


@pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
def test_a_unit_takes_away_what_hutch_does_not_need_and_gives_time_to_stop(unit: Path) -> None:
    lines = unit.read_text("utf-8").splitlines()
    assert HARDENED - set(lines) == set()
    assert {"KillMode=mixed", "Restart=on-failure", "TimeoutStopSec=30"} - set(lines) == set()
    assert not [line for line in lines if re.match(r"Environment=", line)], "secrets come by the file"


def test_there_are_a_server_and_two_kinds_of_workers() -> None:
    assert [u.name for u in UNITS] == ["hutch-worker.service", "hutch-worker@.service", "hutch.service"]
    assert "%i" in UNITS[1].read_text("utf-8") and "%i" not in UNITS[0].read_text("utf-8")


# ------------------------------------------------------------------ the container file, by the rules of its linters


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", CONTAINER, flags=re.MULTILINE))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_every_base_has_a_version() -> None:
    bases = [rest for word, rest in instructions() if word == "FROM"]
    assert len(bases) == 2
    assert [b for b in bases if not re.fullmatch(r"[\w./-]+:\d[\w.-]*(?: AS \w+)?", b)] == []


def test_it_runs_as_an_ordinary_user_by_number() -> None:
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
    after = [word for word, _ in instructions()[instructions().index(("USER", users[-1])) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


def test_nothing_is_fetched_by_add_and_no_cache_stays() -> None:
    assert [rest for word, rest in instructions() if word in ("ADD", "MAINTAINER")] == []
    runs = " ".join(rest for word, rest in instructions() if word == "RUN")
    assert "sudo" not in runs and "cd " not in runs
    assert runs.count("pip install") == runs.count("--no-cache-dir")


def test_what_starts_is_a_list_and_a_command_that_there_is() -> None:
    found = dict(instructions())
    entry, words = (re.findall(r'"([^"]*)"', found[name]) for name in ("ENTRYPOINT", "CMD"))
    assert found["ENTRYPOINT"].startswith("[") and found["CMD"].startswith("[")
    assert entry[0] == "hutch" and exists([*entry[1:], *words]) == ""
    assert "HEALTHCHECK" in found and "/healthz" in found["HEALTHCHECK"]


def test_the_guide_speaks_of_files_that_there_are() -> None:
    text = (ROOT / "docs" / "guide" / "operations.md").read_text("utf-8")
    named = PATHS.findall(text)
    assert named and [name for name in named if not (ROOT / name).exists()] == []

"""``hutch doctor`` asks a platform for all that it may be asked, and names the right that is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hutch.cli.main import cli
from platform_world import TOKEN, World, serving

Points = dict[str, dict[str, Any]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def doctor(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Points]]:
    with serving(world) as address:
        block = {"project": "rolerabbit", "token": {"env": "VERCEL_TOKEN"}, "url": address, "logs_url": address}
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"services": {"web": {"vercel": block}}}))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("VERCEL_TOKEN", TOKEN)

        def look() -> Points:
            done = CliRunner().invoke(cli, ["doctor", "--json"])
            assert TOKEN not in done.output
            return {row["what"]: row for row in json.loads(done.stdout) if row["area"] == "web"}

        yield look


def test_a_platform_that_answers_all_is_one_point(doctor: Callable[[], Points], world: World) -> None:
    found = doctor()["vercel platform"]
    assert (found["status"], found["said"]) == ("ok", "answers service.status, deploy.list, logs.search")
    assert not world.asked("POST")


def test_the_missing_right_is_named(doctor: Callable[[], Points], world: World) -> None:
    world.faults.append(("/api/logs", "denied"))
    found = doctor()
    assert found["vercel logs.search"]["status"] == "fail"
    assert "cannot read the logs: the token has not the right to it" in found["vercel logs.search"]["said"]
    assert "see what it needs: docs/guide/vercel.md" in found["vercel logs.search"]["todo"]
    assert "vercel deploy.list" not in found and "vercel platform" not in found

"""`hutch demo --platform`: the story of a bad release, by the API of each hosted platform over the real replicas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))
RELEASES = {
    "ecs": ("rolerabbit-api:2", "rolerabbit-api:1"),
    "vercel": ("dpl_000000000000000000000002", "dpl_000000000000000000000001"),
    "railway": ("00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000001"),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", RELEASES)
def test_a_bad_release_is_left_on(platform: str, tmp_path: Path) -> None:
    words = ["--platform", platform, "--fault", "bad-release", "--json", "--yes", "--no-input", "--dir", str(tmp_path)]
    done = subprocess.run([HUTCH, "demo", *words], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    story = [json.loads(line) for line in done.stdout.splitlines()]
    bad, before = RELEASES[platform]
    cause = next(e["data"]["causes"][0] for e in story if e["kind"] == "diagnosis.made" and e["data"]["causes"])
    assert (cause["code"], cause["object"]["id"], cause["object"]["previous"]) == ("deploy.bad_release", bad, before)
    applied = next(e["data"] for e in story if e["kind"] == "change.intended")
    assert applied["command"]["text"] == f"deploy.rollback(from: {bad}, to: {before})"
    assert any(e["kind"] == "verification.done" and e["data"]["verdict"] == "passed" for e in story)
    assert any(e["kind"] == "incident.resolved" for e in story)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", RELEASES)
def test_a_release_that_leaks_is_known_by_the_name_that_its_sessions_give(platform: str, tmp_path: Path) -> None:
    """The sessions say ``rolerabbit-api/43``, the platform has an id of its own: the way back is offered first."""
    words = ["--platform", platform, "--fault", "leak", "--json", "--yes", "--no-input", "--dir", str(tmp_path)]
    done = subprocess.run([HUTCH, "demo", *words], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    story = [json.loads(line) for line in done.stdout.splitlines()]
    bad, before = RELEASES[platform]
    causes = [c for e in story if e["kind"] == "diagnosis.made" for c in e["data"]["causes"]]
    leak = next(c for c in causes if c["code"] == "postgres.connection_leak")
    assert leak["object"]["release"] == bad
    applied = next(e["data"] for e in story if e["kind"] == "change.intended")
    assert applied["command"]["text"] == f"deploy.rollback(from: {bad}, to: {before})"
    assert any(e["kind"] == "incident.resolved" for e in story)


@pytest.mark.slow
@pytest.mark.timeout(590)
@pytest.mark.parametrize("platform", RELEASES)
def test_drills_on_it(platform: str, tmp_path: Path) -> None:
    """One fault that the platform's own way back ends, one that more copies end, one beside the service."""
    names = ["bad-release", "too-few-replicas", "redis-stopped"]
    words = [*names, "--platform", platform, "--json", "--dir", str(tmp_path / "home")]
    done = subprocess.run([HUTCH, "drill", "run", *words], capture_output=True, text=True, timeout=580)
    found = json.loads(done.stdout)
    assert [(r["fault"], r["verdict"], r["reasons"]) for r in found["results"]] == [(n, "passed", []) for n in names]
    assert found["stage"]["api"] == platform
    assert f"api {platform}" in (tmp_path / "home/report.md").read_text()

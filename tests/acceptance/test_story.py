"""`hutch demo`: both stories, from alert to review, on the real components."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))


def told(folder: Path, *words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [HUTCH, "demo", "--json", "--yes", "--no-input", "--dir", str(folder), *words],
        capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def first(story: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    data: dict[str, Any] = next(e for e in story if e["kind"] == kind)["data"]
    return data


def gone(folder: Path) -> bool:
    """Whether the demo's platform has ended."""
    pid = json.loads((folder / "platform.json").read_text())["pid"] if (folder / "platform.json").exists() else 0
    for _ in range(100):
        try:
            os.kill(pid, 0) if pid else None
        except ProcessLookupError:
            return True
        if not pid:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.timeout(200)
def test_a_leak_goes_from_alert_to_review(tmp_path: Path) -> None:
    story = told(tmp_path)
    kinds = [e["kind"] for e in story]
    assert set(story[0]) == {"at", "kind", "data"}
    order = [
        "incident.declared", "alert.fired", "run.started", "diagnosis.made", "approval.requested", "options.ranked",
        "approval.granted", "change.intended", "change.done", "run.finished", "incident.resolved", "review.drafted",
    ]  # fmt: skip
    assert [k for k in order if k in kinds] == order
    reads = [e["data"] for e in story if e["kind"] == "statement.finished"]
    assert {r["status"] for r in reads} == {"passed"} and any(r["text"].startswith("redis-cli") for r in reads)
    assert sorted(order, key=kinds.index) == order
    cause = first(story, "diagnosis.made")["causes"][0]
    assert cause["code"] == "postgres.connection_leak"
    assert cause["object"]["release"] == "43"
    assert len(cause["object"]["pids"]) >= 5
    assert first(story, "approval.requested")["option"]["number"] == 1
    assert first(story, "change.done")["hits"] >= 1
    assert any(e["kind"] == "verification.done" and e["data"]["verdict"] == "passed" for e in story)
    assert (tmp_path / ".hutch/updates/INC-2026-001.txt").exists() or list((tmp_path / ".hutch/updates").glob("*.txt"))
    review = next((tmp_path / ".hutch/reviews").glob("*.md")).read_text()
    assert "postgres.connection_leak" in review
    verified = subprocess.run(
        [HUTCH, "--config", str(tmp_path / "hutch.yaml"), "verify"], capture_output=True, timeout=30
    )
    assert verified.returncode == 0
    assert gone(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_bad_release_is_named_and_rolled_back(tmp_path: Path) -> None:
    story = told(tmp_path, "--fault", "bad-release")
    cause = first(story, "diagnosis.made")["causes"][0]
    assert (cause["code"], cause["object"]["id"]) == ("deploy.bad_release", "43")
    assert first(story, "change.intended")["runner"] == "deploy.rollback"
    assert first(story, "run.finished")["outcome"] == "resolved"


def diagnosed(*words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run([HUTCH, *words], capture_output=True, text=True, timeout=40)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("until", "code", "causes"), [("healthy", 0, []), ("fault", 3, ["postgres.connection_leak"])])
def test_diagnose_from_another_terminal(tmp_path: Path, until: str, code: int, causes: list[str]) -> None:
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        demo = subprocess.Popen(
            [HUTCH, "demo", "--keep", "--until", until, "--no-input", "--dir", str(tmp_path)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(900):
            if "Everything stays up" in log.read_text():
                break
            time.sleep(0.1)
        by_config = diagnosed("--config", str(tmp_path / "hutch.yaml"), "diagnose", "--json")
        by_url = diagnosed("diagnose", "--json", "--database", (tmp_path / "reader_url").read_text())
        password = urlsplit((tmp_path / "reader_url").read_text()).password
        assert password and password not in log.read_text() and str(tmp_path / "reader_url") in log.read_text()
        for exit_code, found in (by_config, by_url):
            assert exit_code == code, (log.read_text(), found)
            assert [c["code"] for c in found["causes"]] == causes
            assert found["healthy"] is (code == 0)
        if causes:
            assert by_config[1]["causes"][0]["object"]["release"] == "43"
            assert by_url[1]["causes"][0]["object"]["release"] is None
            assert set(by_url[1]["causes"][0]["object"]["pids"]) & set(by_config[1]["causes"][0]["object"]["pids"])
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
    assert gone(tmp_path)

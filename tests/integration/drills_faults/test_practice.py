"""`practice-lock` in a service of one's own, by the command, over a real Postgres: found, stopped, and gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HUTCH = str(Path(sys.executable).with_name("hutch"))
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drill-practice'"


def hutch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HUTCH, *words], cwd=folder, capture_output=True, text=True, timeout=150)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_it_is_found_and_ends_by_the_command_and_by_the_death_of_all(stage: Any, tmp_path: Path) -> None:
    ready = json.loads(stage.ready_file.read_text())
    (tmp_path / "drill.json").write_text(json.dumps({"database_url": ready["app_database_url"]}))
    (tmp_path / "url").write_text(ready["reader_url"])
    (tmp_path / "hutch.yaml").write_text(
        "services:\n  shop:\n    postgres: {url: {file: url}}\n"
        "    drills: {faults: [practice-lock], ready_file: drill.json}\n"
    )
    done = hutch(tmp_path, "drill", "start", "practice-lock", "--for", "1h")
    assert (done.returncode, "longest allows" in done.stderr) == (3, True), done.stderr
    done = hutch(tmp_path, "drill", "start", "practice-lock")
    assert done.returncode == 0, done.stderr
    time.sleep(1.2)  # a blocker counts once somebody has waited for a second
    found = hutch(tmp_path, "diagnose", "--json")
    (cause,) = json.loads(found.stdout)["causes"]
    assert (found.returncode, cause["code"], cause["object"]["kind"]) == (3, "postgres.blocked_by_lock", "session")
    done = hutch(tmp_path, "drill", "stop")
    assert (done.returncode, "undone (stopped by a person)" in done.stdout) == (0, True), done.stderr
    assert stage.number(_SESSIONS) == 0
    assert hutch(tmp_path, "drill", "start", "practice-lock").returncode == 0
    (record,) = json.loads(hutch(tmp_path, "drill", "status", "--json").stdout)
    assert record["state"] == "on"
    os.kill(record["pid"], signal.SIGKILL)
    stage.wait_for(lambda: stage.number(_SESSIONS) == 0)
    (record,) = json.loads(hutch(tmp_path, "drill", "status", "--json").stdout)
    assert (record["state"], "its watchdog was killed" in record["said"]) == ("undone", True)

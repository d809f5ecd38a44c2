"""How a fault is held: one at a time, on a service that is well; undone by signal, by end of input, after a kill."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest


def test_a_second_one_at_once_is_refused(stage: Any) -> None:
    with stage.standing("advisory-lock") as first:
        second = stage.fault("run", "lock-holder")
        assert (second.returncode, second.stdout) == (3, "")
        assert f"advisory-lock (process {first.process.pid}) stands on this platform" in second.stderr
        undo = stage.fault("undo")
        assert undo.returncode == 3
    assert first.off["state"] == "off"


def test_sigterm_ends_it_like_the_end_of_input(stage: Any) -> None:
    with stage.standing("advisory-lock") as fault:
        fault.process.send_signal(signal.SIGTERM)
        fault.process.wait(20)
    assert (fault.process.returncode, fault.off["state"], fault.off["stood"]) == (0, "off", True)


def test_a_killed_deployment_is_rolled_back_by_undo(stage: Any) -> None:
    before = stage.service.status()["release"]
    with stage.standing("bad-release") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert stage.leftovers() == ["bad-release.json"]
    record = stage.service.data_dir / "faults" / "bad-release.json"
    assert record.stat().st_mode & 0o777 == 0o600
    assert stage.service.status()["release"] == fault.on["object"]["id"]
    refused = stage.fault("undo")
    assert (refused.returncode, json.loads(refused.stdout)) == (0, {"undone": {"bad-release": 1}})
    assert stage.service.status()["release"] == before
    assert stage.leftovers() == []
    assert json.loads(stage.fault("undo").stdout) == {"undone": {}}


@pytest.mark.slow
def test_the_next_run_undoes_what_a_killed_one_left(stage: Any) -> None:
    before = stage.service.status()["release"]
    with stage.standing("planned-deployment") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    with stage.standing("advisory-lock"):
        assert stage.service.status()["release"] == before
        assert stage.leftovers() == []


@pytest.mark.slow
def test_what_was_remedied_is_not_undone_again(stage: Any) -> None:
    before = stage.service.status()["release"]
    with stage.standing("bad-release") as fault:
        stage.service.platform.post("/rollback", {"to": before})
        deployments = len(stage.service.platform.get("/deployments"))
    assert fault.off["remedied"] is True
    assert len(stage.service.platform.get("/deployments")) == deployments
    assert stage.service.status()["release"] == before


def test_unknown_faults_and_ready_files_are_said(stage: Any) -> None:
    unknown = stage.fault("run", "earthquake")
    assert unknown.returncode == 2
    assert "there is no fault 'earthquake'; there are: lock-holder" in unknown.stderr

"""Undo records: on disk before the change, taken off one by one, private; and the lock for one fault at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolerabbit.drills import undo as undoing
from rolerabbit.drills.errors import FaultError, Refused
from rolerabbit.drills.records import Records, folder_of, leftovers, only_one
from rolerabbit.drills.service import Service
from rolerabbit.platform.client import Client, ClientError


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service("http://127.0.0.1:1", tmp_path, Client("http://127.0.0.1:1", "token"), {})


def test_steps_are_on_disk_and_private(tmp_path: Path) -> None:
    records = Records(tmp_path, "leak")
    records.add({"how": "release", "release": "43", "before": "42"})
    path = tmp_path / "faults" / "leak.json"
    assert json.loads(path.read_text())["steps"] == [{"how": "release", "release": "43", "before": "42"}]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_undoing_goes_backwards_and_leaves_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    how = {"a": lambda _s, step: done.append(step["what"])}
    monkeypatch.setattr(undoing, "HOW", how)
    records = Records(service.data_dir, "x")
    for what in ("first", "second"):
        records.add({"how": "a", "what": what})
    assert undoing.undo_leftovers(service) == {"x": 2}
    assert done == ["second", "first"]
    assert leftovers(service.data_dir) == []


def test_a_step_that_fails_stays_on_record(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_service: Service, _step: Any) -> None:
        raise ClientError("no answer", unreachable=True)

    monkeypatch.setattr(undoing, "HOW", {"good": lambda _s, _step: None, "bad": fail})
    records = Records(service.data_dir, "x")
    for how in ("bad", "good"):
        records.add({"how": how})
    with pytest.raises(FaultError, match="fault undo` tries again"):
        undoing.undo(service, records)
    assert records.steps == [{"how": "bad"}]


def test_an_unknown_step_is_said_and_kept(service: Service) -> None:
    records = Records(service.data_dir, "x")
    records.add({"how": "magic"})
    with pytest.raises(FaultError, match="magic"):
        undoing.undo(service, records)
    assert records.steps == [{"how": "magic"}]


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    (folder_of(tmp_path) / "x.json").write_text("{")
    with pytest.raises(FaultError, match=r"x\.json is damaged"):
        _ = Records(tmp_path, "x").steps


def test_one_at_a_time_and_the_holder_is_named(tmp_path: Path) -> None:
    with (
        only_one(tmp_path, "leak"),
        pytest.raises(Refused, match=r"leak \(process \d+\) stands"),
        only_one(tmp_path, "x"),
    ):
        pass
    with only_one(tmp_path, "x"):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"app_url": "http://127.0.0.1:1"}'])
def test_what_is_no_ready_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ready.json"
    path.write_text(text)
    with pytest.raises(FaultError, match="is no ready file"):
        Service.of_ready_file(path)


def test_a_missing_ready_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match="is not there: start the platform"):
        Service.of_ready_file(tmp_path / "none.json")

"""A roll-back on Railway as a person asks for it, over RoleRabbit's real replicas."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hutch.cli.main import main
from platform_process import Ready, limits, pids, platform, post
from rolerabbit.platform.railway.view import ENVIRONMENT, PROJECT, SERVICE, deployment_id

Typed = Callable[..., Any]


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with platform("--replicas", "1", "--release", "41") as found:
        post(found, "/releases", {"id": "42", "env": {"RR_FAULT": "crash"}})
        post(found, "/deployments", {"release": "42"})
        yield found


@pytest.fixture
def typed(
    ready: Ready, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Typed]:
    place = {"project": PROJECT, "environment": ENVIRONMENT, "service": SERVICE, "look_every": 0.1}
    block = {**place, "token": {"env": "RW_TOKEN"}, "changes": True, "url": f"{ready['api_url']}/graphql/v2"}
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"web": {"railway": block}}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RW_TOKEN", ready["token"])
    monkeypatch.setenv("HUTCH_ACTOR", "ada")

    def hutch(*words: str, code: int = 0) -> Any:
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        with pytest.raises(SystemExit) as ended:
            main(["--no-input", *words, "--json"])
        out, err = capsys.readouterr()
        assert ended.value.code == code, (words, out, err)
        assert ready["token"] not in out + err
        return json.loads(out)

    yield hutch


def test_from_the_list_to_verified_and_back(typed: Typed, ready: Ready) -> None:
    one, two, three, four, five, six, seven, eight = (deployment_id(number) for number in range(1, 9))
    wanted, deadline = (
        ("logs", "search", "PROCESS ENDS", "--level", "critical", "--since", "10m"),
        time.monotonic() + 60,
    )
    while not (lines := typed(*wanted)["lines"]):
        assert time.monotonic() < deadline, "no replica ended"
        time.sleep(0.2)
    assert {line["release"] for line in lines} == {two}
    assert [row["id"] for row in typed("deploy", "list")] == [two, one]
    run = typed("deploy", "rollback", code=4)
    assert f"roll back from {two} to {one}" in json.dumps(run["options"])
    assert typed("runs", "approve", run["id"])["outcome"] == "done"
    standing = typed("service", "status")
    assert (standing["release"], standing["previous"]) == (three, two)
    assert typed("service", "restart", "--yes")["outcome"] == "done"
    assert typed("service", "status")["release"] == four
    assert typed("service", "scale", "--replicas", "2", "--despite", "--yes")["outcome"] == "done"
    standing = typed("service", "status")
    assert (standing["release"], standing["wanted"], standing["ready"]) == (five, 2, 2)
    sized = ("service", "scale", "--size", "memory_gb=4", "--size", "vcpus=1", "--despite")
    run = typed(*sized, code=4)
    preview = json.dumps(run["options"])
    assert f"from 8 vCPUs and 8 GB to 1 vCPUs and 4 GB: they are set, and Railway deploys {five} again" in preview
    assert typed("runs", "approve", run["id"])["outcome"] == "done"
    standing = typed("service", "status")
    assert (standing["release"], standing["sizes"], standing["ready"]) == (six, {"vcpus": 1, "memory_gb": 4}, 2)
    assert [limits(pid) for pid in pids(ready)] == [(str(4_000_000_000 // 2**20 * 2**20), 1)] * 2
    assert typed("runs", "approve", typed("runs", "undo", run["id"], code=4)["id"])["outcome"] == "done"
    standing = typed("service", "status")
    assert (standing["release"], standing["sizes"]) == (seven, {"vcpus": 8, "memory_gb": 8})
    forward = typed("deploy", "rollback", two, code=4)
    assert typed("runs", "approve", forward["id"])["outcome"] == "done"
    assert typed("deploy", "list")[0]["id"] == eight

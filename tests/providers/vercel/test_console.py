"""A roll-back on Vercel as a person asks for it, over RoleRabbit's real replicas, with Vercel's client beside."""

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
from vercel_client import client

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
    at = {"url": ready["api_url"], "logs_url": ready["api_url"], "look_every": 0.1}
    block = {"project": "rolerabbit", "token": {"env": "VERCEL_TOKEN"}, "changes": True, **at}
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"web": {"vercel": block}}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERCEL_TOKEN", ready["token"])
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


def test_from_the_list_to_verified_and_back(typed: Typed) -> None:
    one, two = (f"dpl_{number:024d}" for number in (1, 2))
    assert [row["id"] for row in typed("deploy", "list")] == [two, one]
    run = typed("deploy", "rollback", code=4)
    assert f"roll back from {two} to {one}" in json.dumps(run["options"])
    assert typed("service", "status")["release"] == two
    assert typed("runs", "approve", run["id"])["outcome"] == "done"
    assert typed("service", "status")["release"] == one
    assert typed("deploy", "list")[0]["summary"] == f"rolled back to {one} (41)"
    forward = typed("runs", "undo", run["id"], code=4)
    assert typed("runs", "approve", forward["id"])["outcome"] == "done"
    assert typed("service", "status")["release"] == two
    assert typed("service", "restart", "--yes")["outcome"] == "done"
    standing = typed("service", "status")
    assert (standing["release"], standing["previous"]) == (f"dpl_{5:024d}", one)
    assert standing["sizes"] == {"memory_gb": 2}
    wanted, deadline = (
        ("logs", "search", "PROCESS ENDS", "--level", "critical", "--since", "10m"),
        time.monotonic() + 60,
    )
    while not (lines := typed(*wanted)["lines"]):
        assert time.monotonic() < deadline, "no replica ended"
        time.sleep(0.2)
    assert {line["release"] for line in lines} == {f"dpl_{5:024d}"}


def test_vercels_client_sees_what_hutch_did(typed: Typed, ready: Ready, tmp_path: Path) -> None:
    vercel = client(tmp_path, ready["api_url"], ready["token"])
    one = f"dpl_{1:024d}"
    assert typed("deploy", "rollback", one, "--yes")["outcome"] == "done"
    assert f"rolled back to rolerabbit-1.localhost ({one})" in vercel("rollback", "status", "rolerabbit")
    assert "rolerabbit-2.localhost" in vercel("ls", "rolerabbit")
    assert "rolerabbit was promoted to rolerabbit-2" in vercel("promote", f"dpl_{2:024d}", "--yes")
    assert typed("service", "status")["release"] == f"dpl_{2:024d}"


def test_functions_of_another_size_are_built_and_back(
    typed: Typed, ready: Ready, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("deploy", "rollback", f"dpl_{1:024d}", "--yes")["outcome"] == "done"
    run = typed("service", "scale", "--size", "memory_gb=4", "--despite", code=4)
    assert "functions from standard (2 GB, 1 vCPU) to performance (4 GB, 2 vCPUs)" in json.dumps(run["options"])
    assert typed("runs", "approve", run["id"])["outcome"] == "done"
    assert (typed("service", "status")["sizes"], limits(pids(ready)[0])[0]) == ({"memory_gb": 4}, str(4 * 2**30))
    assert typed("runs", "approve", typed("runs", "undo", run["id"], code=4)["id"])["outcome"] == "done"
    assert (typed("service", "status")["sizes"], limits(pids(ready)[0])[0]) == ({"memory_gb": 2}, str(2 * 2**30))
    with pytest.raises(SystemExit) as ended:
        main(["--no-input", "service", "scale", "--replicas", "3", "--despite"])
    said = " ".join(capsys.readouterr().err.split())
    assert "offers the action service.scale; Vercel rolerabbit has it with memory_gb or tier" in said
    assert ended.value.code == 2

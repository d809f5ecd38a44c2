"""A roll-back on ECS as a person asks for it, from the list to verified and back, over boto3."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_world import World, serving
from hutch.cli.main import main

Typed = Callable[..., Any]
SECRETS = {
    "READ_ID": "reading-key-id",
    "READ_KEY": "reading-secret",
    "WRITE_ID": "write-key-id",
    "WRITE_KEY": "w-secret",
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def typed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Typed]:
    with serving(world) as address:
        names = ("access_key_id", "secret_access_key", "change_key_id", "change_secret_key")
        keys = {name: {"env": env} for name, env in zip(names, SECRETS, strict=True)}
        ecs = {"region": "eu-central-1", "cluster": "shop", "service": "web", "endpoint": address, "look_every": 0.05}
        config = {"mode": "act", "services": {"web": {"ecs": {**ecs, **keys}}}}
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump(config))
        monkeypatch.chdir(tmp_path)
        for name, value in {**SECRETS, "HUTCH_ACTOR": "ada"}.items():
            monkeypatch.setenv(name, value)

        def hutch(*words: str, code: int = 0) -> Any:
            monkeypatch.setattr(sys, "excepthook", sys.excepthook)
            with pytest.raises(SystemExit) as ended:
                main(["--no-input", *words, "--json"])
            out, err = capsys.readouterr()
            assert ended.value.code == code, (words, out, err)
            assert not any(secret in out + err for secret in SECRETS.values())
            return json.loads(out)

        yield hutch


def test_from_the_list_to_verified_and_back(typed: Typed, world: World) -> None:
    assert typed("service", "status")["release"] == "web:42"
    assert [row["id"] for row in typed("deploy", "list")] == ["web:42", "web:41"]
    run = typed("deploy", "rollback", code=4)
    assert "roll back from release web:42 to web:41: ECS replaces 2 tasks" in json.dumps(run["options"])
    assert "UpdateService" not in world.calls
    assert typed("runs", "approve", run["id"])["outcome"] == "done"
    assert typed("deploy", "list")[0]["summary"] == "rolled back to web:41 (v41)"
    forward = typed("runs", "undo", run["id"], code=4)
    assert typed("runs", "approve", forward["id"])["outcome"] == "done"
    assert typed("service", "status")["release"] == "web:42"
    assert typed("service", "scale", "--replicas", "3", "--yes")["outcome"] == "done"
    assert typed("service", "restart", "--yes")["outcome"] == "done"
    assert (world.wanted, world.calls.count("UpdateService")) == (3, 4)


def test_an_answer_that_was_lost_is_looked_up_and_not_repeated(typed: Typed, world: World) -> None:
    world.faults.append(("UpdateService", "lost"))
    assert typed("deploy", "rollback", "--yes")["outcome"] == "done"
    assert (typed("service", "status")["release"], world.calls.count("UpdateService")) == ("web:41", 1)


def test_a_deployment_while_it_waits_is_not_overwritten(typed: Typed, world: World) -> None:
    run = typed("deploy", "rollback", code=4)
    world.begin("web:43")
    world.finish("SUCCESSFUL")
    refused = typed("runs", "approve", run["id"], code=1)
    assert "the service goes to release web:43 now, not web:42: look again" in json.dumps(refused)
    assert "UpdateService" not in world.calls

"""RoleRabbit on its real platform, with an account of ours, and Hutch configured for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from breach_world import CANARY, World, running

PATIENT = {"timeout": 60, "change_timeout": 240}
"""Seconds that a busy machine is waited for."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running() as found:
        yield found


Configure = Callable[..., Path]


@pytest.fixture
def configure_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes ``hutch.yaml`` for a world; keywords are blocks of the service that stand instead."""

    def write(world: World, **blocks: object) -> Path:
        secrets = {"READER": "reader_url", "OPERATOR": "operator_url", "PLATFORM": "token"}
        for name, key in secrets.items():
            monkeypatch.setenv(name, world.ready[key])
        monkeypatch.setenv("CANARY_PASSWORD", CANARY["password"])
        monkeypatch.setenv("CANARY_TOKEN", world.api_token())
        monkeypatch.setenv("CANARY_SESSION", world.log_in())
        monkeypatch.setenv("HUTCH_ACTOR", "mara")
        access = {"url": world.ready["app_url"], "email": CANARY["email"]}
        access |= {name: {"env": f"CANARY_{name.upper()}"} for name in ("password", "token", "session")}
        service = {
            "audit": {"url": {"env": "READER"}, "operator_url": {"env": "OPERATOR"}},
            "local": {"url": world.ready["api_url"], "token": {"env": "PLATFORM"}, **PATIENT},
            "access": access,
        }
        kept = {name: block for name, block in {**service, **blocks}.items() if block}
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"rolerabbit": kept}}))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return write


@pytest.fixture
def configure(world: World, configure_for: Configure) -> Configure:
    """The same for the world of the file."""
    return lambda **blocks: configure_for(world, **blocks)

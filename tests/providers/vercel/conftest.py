"""RoleRabbit's platform by Vercel's API, and the provider opened on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.vercel import provider
from platform_world import TOKEN, World, serving, utc_now


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with serving(world) as found:
        yield found


@pytest.fixture
def settings(address: str) -> dict[str, object]:
    return {"project": "rolerabbit", "token": TOKEN, "changes": True, "url": address, "logs_url": address,
            "timeout": 5.0, "look_every": 0.02, "patience": 5.0}  # fmt: skip


@pytest.fixture
def opened(settings: dict[str, object]) -> Callable[..., Connection]:
    def make(**more: object) -> Connection:
        defaults = {setting.name: setting.default for setting in provider.settings}
        return provider.open(TargetConfig("web", {**defaults, **settings, **more}, utc_now))

    return make


@pytest.fixture
def web(opened: Callable[..., Connection]) -> Connection:
    return opened()

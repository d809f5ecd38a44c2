"""RoleRabbit's platform by Railway's API, and the provider opened on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.railway import provider
from platform_world import TOKEN, World, serving, utc_now
from rolerabbit.platform.railway.view import ENVIRONMENT, PROJECT, SERVICE


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def settings(world: World) -> Iterator[dict[str, object]]:
    with serving(world) as address:
        place = {"project": PROJECT, "environment": ENVIRONMENT, "service": SERVICE, "url": f"{address}/graphql/v2"}
        yield {**place, "token": TOKEN, "changes": True, "timeout": 5.0, "look_every": 0.02, "patience": 5.0}


@pytest.fixture
def opened(settings: dict[str, object]) -> Callable[..., Connection]:
    def make(**more: object) -> Connection:
        defaults = {setting.name: setting.default for setting in provider.settings}
        return provider.open(TargetConfig("web", {**defaults, **settings, **more}, utc_now))

    return make


@pytest.fixture
def web(opened: Callable[..., Connection]) -> Connection:
    return opened()

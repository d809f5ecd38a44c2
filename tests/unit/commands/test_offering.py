"""Which of several targets is asked for a verb that more than one of them has."""

from __future__ import annotations

from typing import Any

import pytest

from hutch.commands.context import Service
from hutch.commands.diagnose import actions
from hutch.commands.situation import Situation
from hutch.model.config import ServiceConfig
from hutch.ports import Connection


@pytest.fixture
def shop() -> Service:
    rotate: Any = {"secret.rotate": object()}
    read: Any = {"secret.rotate": object(), "logs.search": object()}
    connections = {
        "aws": Connection("Secrets Manager", actions=rotate, secrets=frozenset({"session"})),
        "vercel": Connection("Vercel", actions=rotate, secrets=frozenset({"mail"})),
        "logs": Connection("logs", runs=read),
        "local": Connection("platform", actions=rotate),
    }
    return Service(ServiceConfig("shop"), connections)


@pytest.mark.parametrize(
    ("args", "target"),
    [
        ({"secret": "session"}, "Secrets Manager"),
        ({"secret": "mail"}, "Vercel"),
        ({"secret": "jwt"}, "platform"),
        ({}, "platform"),
    ],
)
def test_the_target_that_keeps_the_secret_is_asked(shop: Service, args: dict[str, object], target: str) -> None:
    found = shop.offering("secret.rotate", args)
    assert found is not None
    assert found.target == target
    assert Situation(shop).target("secret.rotate", args) == target


def test_an_action_goes_before_a_read_and_none_is_none(shop: Service) -> None:
    found = shop.offering("logs.search", {"secret": "mail"})
    assert found is not None
    assert found.target == "logs"
    assert shop.offering("deploy.rollback", {}) is None
    assert Situation(shop).target("deploy.rollback") == ""


@pytest.mark.parametrize(
    ("args", "target"), [({"component": "redis"}, "lines"), ({"component": "x"}, "ECS"), ({}, "ECS")]
)
@pytest.mark.parametrize("first", ["ecs", "command"])
def test_the_target_that_restarts_the_component_is_asked(args: dict[str, object], target: str, first: str) -> None:
    restart: Any = {"service.restart": object()}
    platform: Any = object()
    both = {
        "ecs": Connection("ECS", actions=restart, platform=platform),
        "command": Connection("lines", actions=restart, parts=frozenset({"redis", "postgres"})),
    }
    shop = Service(ServiceConfig("shop"), {first: both[first], **both})
    found = shop.offering("service.restart", args)
    assert found is not None
    assert found.target == target


@pytest.mark.parametrize(
    ("args", "target"), [({"memory_gb": 4, "replicas": 1}, "Vercel"), ({"replicas": 3}, "lines"), ({}, "lines")]
)
def test_an_action_that_takes_some_arguments_alone_is_not_asked_with_others(
    args: dict[str, object], target: str
) -> None:
    scale: Any = {"service.scale": object()}
    platform: Any = object()
    takes = {"service.scale": frozenset({"memory_gb"})}
    vercel = Connection("Vercel", actions=scale, platform=platform, takes=takes)
    both = {"vercel": vercel, "command": Connection("lines", actions=scale)}
    found = Service(ServiceConfig("shop"), both).offering("service.scale", args)
    assert found is not None and found.target == target
    alone = Service(ServiceConfig("shop"), {"vercel": vercel}).offering("service.scale", args)
    assert (alone is vercel) == (target == "Vercel")
    assert actions([vercel]) == {} and actions(list(both.values())) == {"service.scale": "lines"}

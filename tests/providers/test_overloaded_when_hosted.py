"""What the service's own metrics say of its load is a cause on each hosted platform, with what that platform can do."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from hutch.model.finding import Cause, Finding, Status
from hutch.providers import ecs, railway, vercel

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
QUEUED = {
    "replicas": 1.0,
    "size": 2.0,
    "in_use": 2.0,
    "waiting": 60.0,
    "wait_ms": 900.0,
    "refused": 3.0,
    "in_flight": 62.0,
    "requests": 30.0,
    "db_cpu": 4.0,
    "db_busy": False,
    "queued": True,
    "piled_up": False,
}
PLATFORMS: dict[ModuleType, tuple[str, dict[str, Any]]] = {
    ecs: ("ecs.tasks", {"release": "web:2", "wanted": 1, "most": 20}),
    railway: ("railway.deployment", {"release": "d-2", "regions": {"us-west": 1}, "most": 20}),
    vercel: ("vercel.production", {"release": "dpl_2"}),
}
hosted = pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.__name__.rpartition(".")[2])


def looked(check: str, status: Status = Status.OK, **data: Any) -> Finding:
    return Finding(check, "a platform", status, "seen", NOW, data=data)


def requests(**figures: Any) -> Finding:
    return looked("http.requests", Status.BAD, service="web", slow=True, load={**QUEUED, **figures})


def named(platform: ModuleType, *findings: Finding, **data: Any) -> list[Cause]:
    check, usual = PLATFORMS[platform]
    return list(platform.provider.explain([looked(check, **{**usual, **data}), *findings]))


@hosted
def test_requests_that_wait_are_an_overload_that_more_copies_end(platform: ModuleType) -> None:
    [cause] = named(platform, requests(), looked("postgres.connections", usable=90, used=12))
    assert (cause.code, cause.object.kind, cause.object.id) == ("app.overloaded", "service", "web")
    assert cause.target == "a platform" and "room for 80 connections of the service in the database" in cause.evidence
    [remedy] = cause.remedies
    assert (remedy.action, remedy.args["replicas"], remedy.args["from"]) == ("service.scale", 5, 1)


@hosted
@pytest.mark.parametrize(
    "found",
    [
        [requests(queued=False)],
        [requests(db_busy=True)],
        [requests(), looked("postgres.locks", Status.WARN)],
        [requests(), looked("redis.reachable", Status.BAD)],
        [looked("http.requests", Status.BAD, service="web", slow=True)],
        [],
    ],
    ids=["calm", "busy database", "lock", "redis away", "no word on a pool", "no metrics"],
)
def test_what_is_no_overload(platform: ModuleType, found: list[Finding]) -> None:
    assert named(platform, *found) == []


@hosted
def test_where_the_database_has_no_room_more_copies_are_not_offered(platform: ModuleType) -> None:
    [cause] = named(platform, requests(), looked("postgres.connections", usable=4, used=4))
    assert cause.remedies == ()


def test_a_platform_that_is_ill_itself_speaks_alone() -> None:
    ill = looked("ecs.tasks", Status.BAD, **PLATFORMS[ecs][1])
    assert [c.code for c in ecs.provider.explain([ill, requests()])] == ["app.crashed"]


def test_on_railway_a_region_is_named_and_the_largest_comes_first() -> None:
    [cause] = named(railway, requests(size=8.0, in_use=8.0), regions={"asia": 1, "us-west": 3})
    assert [dict(r.args) for r in cause.remedies] == [
        {"region": "us-west", "replicas": 7, "from": 3}, {"region": "asia", "replicas": 5, "from": 1},
    ]  # fmt: skip
    assert [c.remedies for c in named(railway, requests(), regions={})] == [()]


def test_on_vercel_nothing_is_offered_where_nobody_tells_how_many_run() -> None:
    assert [c.remedies for c in named(vercel, requests(replicas=0.0))] == [()]

"""What two looks at the platform's metrics say of the load, and when that is nobody else's doing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.action import Sample
from hutch.model.finding import Finding, Status
from hutch.model.load import Load, figures
from hutch.providers.local import provider
from hutch.providers.local.config import config_from

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
CONFIG = config_from({"url": "http://127.0.0.1:1"})
CALM = Load(2, 4, 16, 3, 0, 100, 2.0, 1000, 7, 20)
QUEUE = replace(CALM, in_flight=40, in_use=16, waiting=24)
LATER = replace(QUEUE, waited=150, wait_seconds=30.0, requests=1100)
"""50 requests waited 28 s in all."""


def judged(before: Load, after: Load) -> tuple[bool, bool]:
    found = figures(before, after, CONFIG, CONFIG.sample_gap)
    return bool(found["queued"]), bool(found["piled_up"])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (CALM, replace(CALM, requests=1300), (False, False)),
        (QUEUE, LATER, (True, False)),
        (CALM, replace(LATER, in_use=15), (True, False)),  # a moment at which one was just given back
        (QUEUE, replace(LATER, wait_seconds=3.0, waited=400), (False, False)),  # a peak: each waits for 3 ms
        (QUEUE, replace(QUEUE, refused=12), (True, False)),  # nobody got one, some were turned away
        (CALM, replace(CALM, refused=12), (False, False)),  # 503 for another reason
        (CALM, replace(CALM, waited=101, wait_seconds=2.4), (False, False)),  # one waited long; nobody waits now
        (replace(CALM, in_flight=80), replace(CALM, in_flight=90), (False, True)),
        (replace(CALM, in_flight=80), replace(CALM, in_flight=10), (False, False)),
    ],
)
def test_queues_that_stay_are_too_much(before: Load, after: Load, expected: tuple[bool, bool]) -> None:
    assert judged(before, after) == expected


def test_metrics_are_summed_over_replicas() -> None:
    rows: list[tuple[str, dict[str, str], float]] = [
        ("db_pool_size", {}, 16.0),
        ("platform_replicas", {}, 2.0),
        ("http_requests_total", {"status": "200"}, 90.0),
        ("http_requests_total", {"status": "503"}, 10.0),
    ]
    seen = Load.of(Sample(name, labels, value, NOW) for name, labels, value in rows)
    assert (seen.size, seen.replicas, seen.requests, seen.refused) == (16, 2, 100, 10)
    with pytest.raises(ValueError, match="nothing of its connection pool"):
        Load.of([Sample("cpu", {}, 1.0, NOW)])


# ------------------------------------------------------------------ app.overloaded


def load(before: Load = QUEUE, after: Load = LATER) -> Finding:
    data = {"service": "web", **figures(before, after, CONFIG, CONFIG.sample_gap)}
    return Finding("local.load", "platform", Status.BAD, "100 requests/s", NOW, data=data)


def other(check: str, status: Status, **data: Any) -> Finding:
    return Finding(check, "db", status, "seen", NOW, data=data)


def test_too_few_replicas() -> None:
    room = other("postgres.connections", Status.WARN, usable=32, used=20)
    [cause] = provider.explain([load(), room, other("postgres.locks", Status.OK)])
    assert (cause.code, cause.object.kind, cause.object.id) == ("app.overloaded", "service", "web")
    assert [(r.action, dict(r.args)) for r in cause.remedies] == [
        ("service.scale", {"replicas": 4, "pool_size": 7}),  # 4 of the 32 are others'
    ]


def test_without_a_word_on_the_database_the_replicas_are_doubled() -> None:
    [cause] = provider.explain([load()])
    assert [dict(r.args) for r in cause.remedies] == [{"replicas": 4, "pool_size": 8}]


@pytest.mark.parametrize(
    "ill",
    [
        other("postgres.reachable", Status.BAD, code="postgres.unreachable"),
        other("postgres.locks", Status.WARN),
        other("postgres.connections", Status.BAD, used=32, usable=32),
        other("postgres.idle_in_transaction", Status.WARN, sessions=[{}] * 5, leak_sessions=5),
        other("redis.reachable", Status.BAD, code="redis.unreachable"),
        other("local.replicas", Status.BAD, release="43", ready=1),
    ],
    ids=lambda f: f.check,
)
def test_what_the_service_waits_for_is_to_blame(ill: Finding) -> None:
    assert "app.overloaded" not in [c.code for c in provider.explain([load(), ill])]


def test_a_busy_database_gets_no_more_replicas() -> None:
    assert provider.explain([load(replace(QUEUE, db_cpu=97), replace(LATER, db_cpu=92))]) == []


@pytest.mark.parametrize(
    "well",
    [
        other("postgres.connections", Status.WARN, used=28, usable=32),
        other("postgres.idle_in_transaction", Status.WARN, sessions=[{}], leak_sessions=5),
        other("postgres.long_queries", Status.WARN, sessions=[{}]),
        other("redis.memory", Status.UNKNOWN),
    ],
    ids=lambda f: f.check,
)
def test_what_is_merely_worth_a_look_is_no_excuse(well: Finding) -> None:
    assert [c.code for c in provider.explain([load(), well])] == ["app.overloaded"]

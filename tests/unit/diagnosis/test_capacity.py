"""Scaling is for too little room, and for nothing that merely looks like it."""

from __future__ import annotations

import pytest

from hutch.diagnosis.capacity import against
from hutch.model.finding import Cause, Object


def cause(code: str) -> Cause:
    return Cause(code, Object("service", "web"), 0.8, "as was seen", "t")


@pytest.mark.parametrize(
    "code",
    [
        "postgres.blocked_by_lock", "postgres.connection_leak", "postgres.unreachable", "postgres.missing_index",
        "redis.unreachable", "deploy.bad_release", "app.crashed", "migration.failed",
    ],
)  # fmt: skip
def test_what_more_replicas_do_not_end(code: str) -> None:
    assert against([cause("http.slow"), cause(code)], more=True) == f"capacity is not the cause: {code}: as was seen"
    assert against([cause(code)], more=False) == ""


@pytest.mark.parametrize("codes", [(), ("app.overloaded",), ("http.slow",), ("security.brute_force",)])
def test_what_may_be_scaled_up(codes: tuple[str, ...]) -> None:
    assert against([cause(code) for code in codes], more=True) == ""


def test_what_has_too_much_to_do_gets_no_fewer() -> None:
    assert against([cause("app.overloaded")], more=False) == "it has more to do than it can now (as was seen)"

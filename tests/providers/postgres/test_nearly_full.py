"""Nearly all connections are taken: when that is a cause. The figures of a look, judged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hutch.model.finding import Finding, Status
from hutch.providers.postgres.capacity_causes import Holder, exhausted
from hutch.providers.postgres.sessions import Session

AT = datetime(2026, 1, 1, tzinfo=UTC)
WELL, FAILING = (Finding("http.requests", "shop", status, "", AT) for status in (Status.OK, Status.BAD))
RESTING = Session(7, AT.isoformat(), "app", "export", "idle", idle_seconds=600.0)


def look(used: int, idle: int = 0, resting: int = 0) -> Finding:
    export = Holder("app", "export", idle + resting, (RESTING,) * idle, False, False)
    holders = (Holder("app", "web/42", 16, (), True, True), export)
    data = {
        "used": used, "usable": 32, "bad": 90, "database": "shop", "hoard_share": 20, "max_sessions": 20,
        "holders": [holder.as_dict() for holder in holders],
    }  # fmt: skip
    return Finding("postgres.connections", "db", Status.BAD, f"{used} of 32", AT, data=data)


@pytest.mark.parametrize(
    ("used", "idle", "resting", "beside", "named"),
    [
        (31, 0, 0, WELL, False),  # busy, and well
        (31, 0, 0, FAILING, True),
        (32, 0, 0, WELL, True),  # the next one is refused
        (31, 12, 0, WELL, True),  # somebody keeps them for nothing
        (31, 0, 12, WELL, True),  # and has done so only since a moment ago
        (31, 2, 2, WELL, False),
    ],
)
def test_one_that_is_left_is_no_cause_by_itself(
    used: int, idle: int, resting: int, beside: Finding, named: bool
) -> None:
    found = look(used, idle, resting)
    assert bool(exhausted("db", [found, beside], found, 0)) is named

"""Nearly all connections are taken: when that is a cause. The figures of a look, judged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.finding import Finding, Status
from hutch.providers.postgres.capacity_causes import Holder, exhausted
from hutch.providers.postgres.client import Turns
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


async def test_fewer_read_at_once_and_more_again() -> None:
    turns, reading, most = Turns(4), 0, 0

    async def read() -> None:
        nonlocal reading, most
        async with turns:
            reading, most = reading + 1, max(most, reading + 1)
            await asyncio.sleep(0.001)
            reading -= 1

    async def seen() -> int:
        nonlocal most
        await asyncio.gather(*(read() for _ in range(5)))
        most = 0
        await asyncio.gather(*(read() for _ in range(12)))
        return most

    assert await seen() == 4
    async with turns:
        turns.at_most(2)  # in the middle of a look
    assert await seen() == 2
    turns.at_most(2)
    turns.at_most(3)
    assert await seen() == 3


async def test_a_small_server_is_asked_by_few(server: Any, target: Any) -> None:
    counted = "select count(*) from pg_stat_activity where application_name = 'hutch'"
    async with target() as connection:
        await asyncio.gather(*(check() for check in connection.checks.values()))
        with server.connect() as session:
            [[found]] = session.execute(counted).fetchall()
    assert 2 <= found <= 3  # two that read, and the one for the day when none is left

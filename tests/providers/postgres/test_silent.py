"""A proxy before the server that stops passing bytes while the connection stands: nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider
from remedy_world import CASES, Shop, shop
from wire import wired

LIMITS = {
    "connect_timeout": 1.0, "statement_timeout": 3.0, "lock_timeout": 2.5, "index_timeout": 3.0,
    "index_lock_timeout": 2.5, "upkeep_timeout": 3.0,
}  # fmt: skip
WITHIN = 100.0
"""Seconds in which all of it ends on a busy machine; without a bound it never does."""
BLOCKED = [c for c in CASES if c.blocker]
QUICK = ("create_index",)


@pytest.fixture(scope="module")
def world() -> Iterator[Shop]:
    with shop() as made:
        yield made


def through(url: object, port: int) -> str:
    return make_conninfo("", **{**conninfo_to_dict(str(url)), "host": "127.0.0.1", "port": port})  # type: ignore[arg-type]


@asynccontextmanager
async def opened(settings: dict[str, object]) -> Any:
    connection: Connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    try:
        yield connection
    finally:
        await connection.close()


async def test_every_check_ends(world: Shop) -> None:
    world.renew()
    with wired(world.postgres.port) as (wire, port):
        async with opened({**LIMITS, "url": through(world.settings["url"], port)}) as connection:
            reachable = connection.checks["postgres.reachable"]
            assert (await reachable()).status is Status.OK
            wire.stall()
            async with asyncio.timeout(WITHIN):
                found = await asyncio.gather(*(check() for check in connection.checks.values()))
                later = await reachable()
    assert {f.status for f in found} <= {Status.UNKNOWN, Status.BAD}, [f for f in found if f.status is Status.OK]
    assert any("no answer within" in f.reason for f in found)
    assert (later.status, later.data["code"]) == (Status.BAD, "postgres.unreachable")


@pytest.mark.parametrize(
    "name", [c.name if c.name in QUICK else pytest.param(c.name, marks=pytest.mark.slow) for c in BLOCKED]
)
async def test_a_change_whose_answer_never_comes_is_unknown_and_looked_up(world: Shop, name: str) -> None:
    """The server does it all the same, once it can; the verification tells, by the reading login's own way."""
    world.renew()
    case = world.completed(next(c for c in BLOCKED if c.name == name))
    with wired(world.postgres.port) as (wire, port):
        changing = {key: through(world.settings[key], port) for key in ("operator_url", "owner_url")}
        async with opened({**world.settings, **LIMITS, **changing}) as connection, asyncio.timeout(WITHIN):
            action = connection.actions[f"postgres.{name}"]
            with world.blocked(case.blocker) as let_go:
                asking = asyncio.create_task(action.apply(case.args))
                while not (busy := world.busy()) and not asking.done():
                    await asyncio.sleep(0.01)
                wire.stall()
                let_go()
                outcome = await asking
            while world.busy():
                await asyncio.sleep(0.02)
            verified = await action.verify(case.args)
    assert (busy != [], outcome.result, "no answer within" in outcome.summary) == (True, Result.UNKNOWN, True), outcome
    made = bool(world.value(case.made))
    assert verified.verdict is (Verified.PASSED if made else Verified.FAILED)
    assert world.times(case) == 1

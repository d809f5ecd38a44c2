"""Every remedy against a server that is down, hangs, or refuses a login: a plain failure, and nothing done."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider
from remedy_world import CASES, Case, Shop, shop

SESSIONS = {"sessions": [{"pid": 5, "backend_start": "2026-01-01T00:00:00+00:00"}]}
NAMED = [Case(c.name, dict(c.args) or SESSIONS, c.made, c.statement) for c in CASES]
by_name = pytest.mark.parametrize("case", NAMED, ids=[case.name for case in NAMED])


@pytest.fixture(scope="module")
def one_shop() -> Iterator[Shop]:
    with shop() as world:
        world.renew()
        yield world


@asynccontextmanager
async def opened(**settings: object) -> AsyncIterator[Connection]:
    connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    try:
        yield connection
    finally:
        await connection.close()


@by_name
async def test_a_server_that_is_down(case: Case) -> None:
    address = "postgresql://app:hidden-word@127.0.0.1:1/shop"
    async with opened(url=address, operator_url=address) as connection:
        action = connection.actions[f"postgres.{case.name}"]
        preview, outcome, verified = (
            await action.preview(case.args), await action.apply(case.args), await action.verify(case.args),
        )  # fmt: skip
    assert "127.0.0.1:1" in preview.refused
    assert (outcome.result, outcome.hits, outcome.recoverable) == (Result.FAILED, 0, True)
    assert verified.verdict is Verified.UNKNOWN
    assert "hidden-word" not in repr((preview, outcome, verified))


async def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://app:hidden-word@127.0.0.1:{silent.getsockname()[1]}/shop"
        async with opened(url=address, operator_url=address, connect_timeout=1.0) as connection:
            started = time.monotonic()
            outcomes = await asyncio.gather(
                *(connection.actions[f"postgres.{case.name}"].apply(case.args) for case in NAMED[:4])
            )
    assert time.monotonic() - started < 15
    assert {o.result for o in outcomes} == {Result.FAILED}


@by_name
async def test_a_changing_login_that_is_refused(one_shop: Shop, case: Case) -> None:
    args = one_shop.completed(next(c for c in CASES if c.name == case.name)).args
    wrong = {name: one_shop.settings[name].replace("-word@", "-wrong@") for name in ("operator_url", "owner_url")}  # type: ignore[attr-defined]
    async with opened(**{**one_shop.settings, **wrong}) as connection:
        action = connection.actions[f"postgres.{case.name}"]
        preview, outcome, verified = await action.preview(args), await action.apply(args), await action.verify(args)
    assert (preview.refused, preview.hits) == ("", 1)
    assert (outcome.result, outcome.recoverable) == (Result.FAILED, False)
    assert "password authentication failed" in outcome.summary
    assert verified.verdict is Verified.FAILED
    assert one_shop.times(case) == 0
    assert "-wrong" not in repr(outcome)


@by_name
async def test_without_any_changing_login_it_is_said(one_shop: Shop, case: Case) -> None:
    args = one_shop.completed(next(c for c in CASES if c.name == case.name)).args
    async with opened(url=one_shop.settings["url"]) as connection:
        action = connection.actions[f"postgres.{case.name}"]
        preview, outcome = await action.preview(args), await action.apply(args)
    assert "_url" in preview.refused or "make the changing login" in preview.refused or "ALTER ROLE" in preview.refused
    assert (outcome.result, preview.refused in outcome.summary) == (Result.FAILED, True)


async def test_a_server_that_stops_answering_in_the_middle_is_unknown_and_told_apart(one_shop: Shop) -> None:
    """The backend is stopped while it works; once it goes on, the verification says what came of it."""
    one_shop.renew()
    case = next(c for c in CASES if c.name == "enable_trigger")
    async with opened(**{**one_shop.settings, "statement_timeout": 0.5, "lock_timeout": 0.4}) as connection:
        action: Any = connection.actions["postgres.enable_trigger"]
        with one_shop.blocked(case.blocker) as let_go:
            asking = asyncio.create_task(action.apply(case.args))
            for _ in range(200):
                await asyncio.sleep(0.01)
                if stopped := one_shop.busy():
                    break
            os.kill(stopped[0], signal.SIGSTOP)
            try:
                outcome = await asking
            finally:
                let_go()
                os.kill(stopped[0], signal.SIGCONT)
        for _ in range(200):
            if not one_shop.busy():
                break
            await asyncio.sleep(0.02)
        verified = await action.verify(case.args)
    assert (outcome.result, "no answer within" in outcome.summary) == (Result.UNKNOWN, True)
    made = bool(one_shop.value(case.made))
    assert verified.verdict is (Verified.PASSED if made else Verified.FAILED)

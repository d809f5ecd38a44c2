"""A look that is broken off, at whatever moment, leaves no connection open."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import psycopg.waiting
import pytest

from hutch.providers.postgres.client import Client
from hutch.providers.postgres.config import config_from

ERAS, LOOKS = 6, 20


async def look(client: Client, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(client.rows("select pg_sleep(0.01)"), seconds)


async def test_no_connection_is_left_open(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0.0)  # as on a busy machine: psycopg lets others run,
    monkeypatch.setattr(psycopg.waiting, "sleep", lambda _: asyncio.sleep(0.01))  # and it takes a moment
    config = config_from({"url": server.url("watcher")})
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(ERAS):
            client = Client(config)
            await asyncio.gather(*(look(client, 0.002 * number) for number in range(1, LOOKS + 1)))
            await client.close()
            del client
            gc.collect()  # one that was left open warns when it goes, which pytest takes for an error


async def test_a_look_that_outlives_the_closing_leaves_no_connection(server: Any) -> None:
    client = Client(config_from({"url": server.url("watcher"), "statement_timeout": 60.0, "lock_timeout": 60.0}))
    with psycopg.connect(server.url("postgres_owner"), autocommit=True) as owner, owner.transaction():
        owner.execute("lock table portfolios")
        looks = [asyncio.create_task(client.rows("select count(*) from portfolios")) for _ in range(2)]
        await until(lambda: waiting(server) == len(looks))
        opening = asyncio.create_task(client.rows("select 1"))
        await asyncio.sleep(0)
        await client.close()
    for task in (*looks, opening):
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: sessions(server) == 0)


async def until(seen: Callable[[], bool]) -> None:
    for _ in range(200):
        if seen():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not within 10 s")


def waiting(server: Any) -> int:
    return counted(server, "usename = 'watcher' and wait_event_type = 'Lock'")


def sessions(server: Any) -> int:
    return counted(server, "usename = 'watcher'")


def counted(server: Any, which: str) -> int:
    with psycopg.connect(server.postgres.url) as admin:
        row = admin.execute(f"select count(*) from pg_stat_activity where {which}").fetchone()
    return int(row[0]) if row else 0

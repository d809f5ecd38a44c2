"""A look that is broken off, at whatever moment, leaves no connection open."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import suppress
from typing import Any

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

"""How long the service keeps pages in Redis, set by a typed action: seen in the signals, before and after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from hutch.detection.history import History
from hutch.detection.signals import measure_all
from hutch.model.action import Outcome, Result, Verified
from hutch.ports import Connection, TargetConfig
from hutch.providers.postgres import provider as postgres

Ready = Mapping[str, Any]
PAGES = range(1, 41)


@pytest.fixture
async def connections(ready: Ready, at: Callable[[Ready], Connection]) -> AsyncIterator[tuple[Connection, Connection]]:
    """The platform and its database."""
    database = postgres.open(TargetConfig("web", {"url": ready["reader_url"]}, lambda: datetime.now(UTC)))
    yield at(ready), database
    if database.close:
        await database.close()


async def signals(ready: Ready, connections: tuple[Connection, ...]) -> Mapping[str, float | None]:
    """Of a round of visits to pages that were all visited over a second ago."""
    history = History()
    async with aiohttp.ClientSession() as session:
        for looked_at in (False, True):
            await scraped(history if looked_at else History(), connections)
            for limit in PAGES:
                async with session.get(f"{ready['app_url']}/api/portfolios", params={"limit": limit}) as answer:
                    assert answer.status == 200
            await asyncio.sleep(0 if looked_at else 1.1)
    await scraped(history, connections)
    return measure_all(history, datetime.now(UTC))


async def scraped(history: History, connections: tuple[Connection, ...]) -> None:
    for number, connection in enumerate(connections):
        assert connection.scrape
        history.add(await connection.scrape(), str(number))


async def kept_for(platform: Connection, args: Mapping[str, Any]) -> Outcome:
    scale = platform.actions["service.scale"]
    assert not (await scale.preview(args)).refused
    done = await scale.apply(args)
    assert done.result is Result.DONE
    assert (await scale.verify(args)).verdict is Verified.PASSED
    return done


@pytest.mark.slow
async def test_a_longer_time_in_the_cache_spares_the_database(
    ready: Ready, connections: tuple[Connection, Connection]
) -> None:
    platform = connections[0]
    begun = await kept_for(platform, {"cache_seconds": 1})
    before = await signals(ready, connections)
    longer = await kept_for(platform, {"cache_seconds": 300})
    after = await signals(ready, connections)
    assert longer.undo
    await kept_for(platform, longer.undo["args"])  # type: ignore[arg-type]
    again = await signals(ready, connections)
    assert (before["cache_hit_rate"], again["cache_hit_rate"]) == (0.0, 0.0)
    assert (after["cache_hit_rate"] or 0.0) > 75.0  # on a busy machine Redis is not waited for each time
    queries = [found["db_queries_per_request"] or 0.0 for found in (before, after, again)]
    assert queries[0] > 1 and queries[2] > 1 and queries[1] < min(queries[0], queries[2]) - 0.5, queries
    assert begun.undo
    await kept_for(platform, begun.undo["args"])  # type: ignore[arg-type]

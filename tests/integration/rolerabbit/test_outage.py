"""A database that is away for a while: the service answers 503 meanwhile, and is well again soon after it is back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rolerabbit import database
from rolerabbit.embedded import Postgres
from rolerabbit.migrate import bundled


@pytest.mark.slow
async def test_a_long_outage_under_load_is_over_soon_after_the_database_is_back(start_replica: Any) -> None:
    """More requests come than the pool lets wait: even then somebody asks for a connection again."""
    with Postgres.temporary(durable=True) as server:
        url = server.createdb("outage")
        await asyncio.to_thread(database.up, url, bundled())
        async with start_replica(url, pool_size=1, pool_timeout=0.5) as replica:
            assert (await replica.ask("GET", "/api/portfolios")).status == 200
            await asyncio.to_thread(server.stop, "fast")
            for _ in range(14):
                answers = await asyncio.gather(*(replica.ask("GET", "/api/portfolios") for _ in range(30)))
                assert {a.status for a in answers} == {503}
                await asyncio.sleep(0.5)  # the pool gives up its first tries meanwhile
            await asyncio.to_thread(server.start)
            for _ in range(100):
                if (await replica.ask("GET", "/api/portfolios")).status == 200:
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError("the service does not come back")
            assert (await replica.ask("GET", "/api/health")).status == 200

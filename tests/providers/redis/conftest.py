from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hutch.ports import Connection, TargetConfig
from hutch.providers.redis import provider
from rolerabbit.embedded.valkey import Valkey

Opened = Callable[..., AbstractAsyncContextManager[Connection]]
LIMIT = 8 * 1024 * 1024


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """A server of 8 MiB that evicts nothing, slow commands from 10 ms on, without a password."""
    with Valkey.temporary(maxmemory=str(LIMIT)) as server:
        yield server


@asynccontextmanager
async def _opened(url: str, **settings: object) -> AsyncIterator[Connection]:
    """The provider at ``url`` with short waits; keywords are settings."""
    chosen = {"url": url, "timeout": 1.0, "connect_timeout": 1.0, "sample_gap": 0.3, **settings}
    connection = provider.open(TargetConfig("shop", chosen, lambda: datetime.now(UTC)))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def opened() -> Opened:
    return _opened


@pytest.fixture
def target(valkey: Valkey) -> Opened:
    return lambda url=valkey.url, **settings: _opened(url, **settings)


@pytest.fixture
def admin(valkey: Valkey) -> Iterator[Redis]:
    """A client of the library's own, for making and counting trouble."""
    client = Redis.from_url(valkey.url, retry=Retry(NoBackoff(), 0))
    yield client
    client.close()

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hutch.ports import Connection, TargetConfig
from hutch.providers.redis import provider
from rolerabbit.embedded import valkey as embedded
from rolerabbit.embedded.valkey import Valkey

Opened = Callable[..., AbstractAsyncContextManager[Connection]]
LIMIT = 8 * 1024 * 1024


DEBIAN = "redis-server"


@pytest.fixture(params=["valkey", "redis"])
def valkey(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A server of 8 MiB that evicts nothing, slow commands from 10 ms on, without a password: the embedded Valkey, and
    the Redis of the system."""
    if request.param == "redis":
        found = shutil.which(DEBIAN)
        if found is None:
            pytest.skip(f"no {DEBIAN} on this machine: apt-get install {DEBIAN}")
        monkeypatch.setattr(embedded, "valkey_binary", lambda _: Path(found))
    with Valkey.temporary(maxmemory=str(LIMIT)) as server:
        yield server


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """What the server calls itself."""
    return {"valkey": "Valkey", "redis": "Redis"}[request.node.callspec.params["valkey"]]


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

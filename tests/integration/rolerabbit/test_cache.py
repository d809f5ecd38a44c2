"""What everybody may see comes from Redis, never what may no longer be seen; and all goes on without Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from rolerabbit.embedded import Valkey
from rolerabbit.metrics import Metrics
from rolerabbit.pagecache import GENERATION, PREFIX, PageCache
from rolerabbit.remote import Remote

LONG = 300
OK, DEGRADED = {"status": "ok"}, {"status": "degraded", "failing": "cache"}


@pytest.fixture
async def cached(database_url: str, valkey: Valkey, start_replica: Any) -> AsyncIterator[Any]:
    """A replica that keeps pages far longer than a test lasts."""
    async with start_replica(database_url, redis_url=valkey.url, cache_seconds=LONG) as replica:
        yield replica


async def figures(replica: Any, name: str) -> dict[str, float]:
    lines = (await replica.ask("GET", "/metrics")).text.splitlines()
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(name + "{")}


async def published(replica: Any, name: str = "ann") -> tuple[str, str]:
    token = await replica.new_user(f"{name}@example.com")
    row = await replica.new_portfolio(token, name, title="First title")
    assert (await replica.ask("POST", f"/api/portfolios/{row['id']}/publish", token=token)).status == 200
    return token, row["id"]


async def seen(replica: Any, name: str = "ann") -> tuple[int, list[str]]:
    page = await replica.ask("GET", f"/p/{name}")
    listed = await replica.ask("GET", "/api/portfolios")
    assert (listed.status, listed.headers["Content-Type"]) == (200, "application/json")
    return page.status, [row["title"] for row in listed.json]


async def test_what_was_read_once_comes_from_redis(cached: Any, rows: Any, valkey: Valkey) -> None:
    await published(cached)
    first = await seen(cached)
    rows("UPDATE portfolios SET title = 'Changed behind its back', published = false")
    assert await seen(cached) == first == (200, ["First title"])
    assert (await figures(cached, "cache_requests_total"))["hit"] == 2
    page = await cached.ask("GET", "/p/ann")
    assert page.headers["Content-Security-Policy"] == "default-src 'none'"
    with redis.Redis.from_url(valkey.url) as client:
        assert 0 < client.ttl(f"{PREFIX}{LONG}:page:ann") <= LONG


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/unpublish", None, (404, [])),
        ("DELETE", "", None, (404, [])),
        ("PATCH", "", {"visibility": "private"}, (404, [])),
        ("PATCH", "", {"visibility": "unlisted"}, (200, [])),
        ("PATCH", "", {"title": "Second title"}, (200, ["Second title"])),
        ("PATCH", "", {"subdomain": "moved"}, (404, ["First title"])),
    ],
)
async def test_a_change_is_seen_by_every_replica_once_it_is_answered(
    cached: Any, database_url: str, valkey: Valkey, start_replica: Any, method: str, path: str, body: Any, expected: Any
) -> None:
    token, portfolio = await published(cached)
    async with start_replica(database_url, redis_url=valkey.url, cache_seconds=LONG) as other:
        assert await seen(cached) == await seen(other) == (200, ["First title"])
        changed = await cached.ask(method, f"/api/portfolios/{portfolio}{path}", token=token, json=body)
        assert changed.status in (200, 204)
        assert await seen(other) == await seen(cached) == expected


async def test_many_deleted_at_once_are_gone_at_once(cached: Any) -> None:
    token, portfolio = await published(cached)
    assert (await seen(cached))[0] == 200
    await cached.ask("DELETE", "/api/portfolios", token=token, json={"ids": [portfolio]})
    assert await seen(cached) == (404, [])


async def test_what_is_ones_own_is_never_kept(cached: Any, valkey: Valkey) -> None:
    token, _ = await published(cached)
    await cached.new_portfolio(token, "draft", title="Draft")
    own = await cached.ask("GET", "/api/portfolios", token=token)
    assert {row["title"] for row in own.json} == {"First title", "Draft"}
    assert (await seen(cached))[1] == ["First title"]
    assert (await cached.ask("GET", "/p/draft")).status == 404
    with redis.Redis.from_url(valkey.url) as client:
        kept = {key.decode() for key in client.scan_iter(f"{PREFIX}*")}
    assert kept == {f"{PREFIX}{LONG}:page:ann", f"{PREFIX}{LONG}:list:20"}


async def test_a_release_with_a_fault_reads_for_itself(database_url: str, valkey: Valkey, start_replica: Any) -> None:
    async with start_replica(database_url, redis_url=valkey.url, cache_seconds=LONG, fault="errors") as replica:
        statuses = [(await replica.ask("GET", "/api/portfolios")).status for _ in range(10)]
    assert sorted(statuses) == [200] * 4 + [500] * 6


@contextlib.asynccontextmanager
async def keeping(url: str | None) -> AsyncIterator[PageCache]:
    metrics = Metrics("test")
    remote = Remote(url, metrics)
    try:
        yield PageCache(remote, metrics, LONG)
    finally:
        await remote.close()


async def test_a_reader_that_was_overtaken_by_a_change_keeps_nothing(valkey: Valkey) -> None:
    async with keeping(valkey.url) as cache:

        async def slow() -> bytes:
            await cache.changed()
            return b"old"

        async def now() -> bytes:
            return b"new"

        assert await cache.through("x", slow) == b"old"
        assert await cache.through("x", now) == b"new"
        assert await cache.through("x", slow) == b"new"


async def test_a_change_that_redis_did_not_hear_of_is_told_before_anything_is_used(valkey: Valkey) -> None:
    async def old() -> bytes:
        return b"old"

    async def new() -> bytes:
        return b"new"

    async with keeping(valkey.url) as cache:
        assert await cache.through("x", old) == b"old"
        with paused(valkey):
            await cache.changed()
        assert await cache.through("x", new) == b"new"


@contextlib.contextmanager
def paused(valkey: Valkey) -> Iterator[None]:
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(valkey.pid, signal.SIGCONT)


async def becomes(replica: Any, health: dict[str, str]) -> None:
    async with asyncio.timeout(20):
        while (answer := await replica.ask("GET", "/api/health")).json != health:
            assert answer.status == 200
            await asyncio.sleep(0.1)


async def test_without_redis_all_goes_on_and_it_is_said(
    cached: Any, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    token, portfolio = await published(cached)
    assert (await seen(cached))[0] == 200
    assert (await cached.ask("GET", "/api/health")).json == OK
    await asyncio.to_thread(valkey.stop)
    await becomes(cached, DEGRADED)
    assert await seen(cached) == (200, ["First title"])
    assert (await cached.ask("POST", f"/api/portfolios/{portfolio}/unpublish", token=token)).status == 200
    assert await seen(cached) == (404, [])
    assert (await figures(cached, "rolerabbit_cache_errors_total"))["connection"] >= 2
    assert "rolerabbit_cache_reachable 0.0" in (await cached.ask("GET", "/metrics")).text
    assert "Rate limits hold for each process alone" in caplog.text
    await asyncio.to_thread(valkey.start)
    await becomes(cached, OK)
    assert await seen(cached) == (404, [])
    assert "Redis answers again" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_redis_that_hangs_slows_few_requests(cached: Any, valkey: Valkey) -> None:
    await published(cached)
    with paused(valkey):
        started = time.monotonic()
        for _ in range(40):
            assert (await cached.ask("GET", "/p/ann")).status == 200
        # Every request waiting for its time-out would take 40 × 0.25 s at least.
        assert time.monotonic() - started < 8
        assert (await figures(cached, "rolerabbit_cache_errors_total"))["timeout"] >= 2
        await becomes(cached, DEGRADED)
    await becomes(cached, OK)


async def test_a_full_redis_keeps_nothing_new_and_still_forgets(cached: Any, valkey: Valkey) -> None:
    token, portfolio = await published(cached)
    assert (await seen(cached))[0] == 200
    with redis.Redis.from_url(valkey.url) as client:
        client.set("junk", "x" * (1 << 21))
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.OutOfMemoryError):
            client.set("more", "x")
        await becomes(cached, DEGRADED)
        assert (await cached.ask("POST", f"/api/portfolios/{portfolio}/unpublish", token=token)).status == 200
        assert await seen(cached) == (404, [])
        assert not client.exists(GENERATION)
        assert (await figures(cached, "rolerabbit_cache_errors_total"))["refused"] >= 1
        client.config_set("maxmemory", "8mb")
    await becomes(cached, OK)
    assert await seen(cached) == (404, [])


async def test_without_an_address_for_redis_health_is_ok(replica: Any) -> None:
    assert (await replica.ask("GET", "/api/health")).json == OK

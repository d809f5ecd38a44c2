"""Puts one replica together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from fastapi import FastAPI
from prometheus_client import disable_created_metrics
from psycopg_pool import AsyncConnectionPool

from rolerabbit.addresses import Clients
from rolerabbit.config import Settings
from rolerabbit.faults import WAITS_AT, Waiting, crash_soon, portfolio_reads
from rolerabbit.instrument import Instrument
from rolerabbit.keys import Tokens, Vault
from rolerabbit.limits import Limiter
from rolerabbit.metrics import Metrics
from rolerabbit.news import News, keep_fresh
from rolerabbit.outbox import keep_sending
from rolerabbit.pagecache import PageCache
from rolerabbit.profiles import keep_sealed
from rolerabbit.remote import Remote
from rolerabbit.web import account, admin, auth, errors, health, pages, portfolios, report, resets
from rolerabbit.web.access import Connection, Parts, Pool
from rolerabbit.web.guard import Guard

POOL_MIN: Final = 1
RECONNECT_S: Final = 1.0
"""How long the pool waits longer and longer between its tries; then it begins anew, so that a recovery is seen soon."""
TRY_AGAIN_S: Final = 0.5
"""Seconds before it begins anew. Nobody else would: requests that find the queue full start no connection."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one replica. It starts without its database and is unhealthy until that answers."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    parts = assemble(settings)
    app = FastAPI(title="RoleRabbit", version=settings.release, lifespan=_lifespan)
    app.state.parts = parts
    app.add_middleware(Guard)
    if settings.fault in WAITS_AT:
        app.add_middleware(Waiting, fault=settings.fault)
    app.add_middleware(Instrument, metrics=parts.metrics)
    errors.add_handlers(app)
    for routes in (health, auth, resets, account, portfolios, admin, pages, report):
        app.include_router(routes.router)
    return app


def assemble(settings: Settings) -> Parts:
    """What the application works with; nothing is connected yet."""
    metrics, pool = Metrics(settings.release), open_pool(settings)
    metrics.watch_pool(pool)
    remote = Remote(settings.redis_url, metrics)
    cache = PageCache(remote, metrics, settings.cache_seconds)
    tokens, vault = Tokens(settings.jwt_keys), Vault(settings.encryption_keys)
    clients = Clients(settings.trusted_proxies)
    reads = portfolio_reads(settings)
    return Parts(settings, pool, metrics, reads, remote, cache, Limiter(remote), tokens, vault, clients)


def open_pool(settings: Settings) -> Pool:
    """The pool, still closed. A connection is tried before it is lent, so that one that died meanwhile is replaced."""
    pool = AsyncConnectionPool[Connection](
        settings.database_url,
        kwargs={**settings.connect_options, "autocommit": True},
        min_size=POOL_MIN,
        max_size=settings.pool_size,
        timeout=settings.pool_timeout,
        max_waiting=settings.pool_size * 20,
        reconnect_timeout=RECONNECT_S,
        reconnect_failed=_try_again,
        check=_Check(lambda: pool),
        open=False,
        name="rolerabbit",
    )
    return pool


@dataclass
class _Check:
    """Where one connection is dead the others are likely to be: all are tried at once, as a borrower who meets one dead
    connection after another waits longer each time, in the end too long."""

    pool: Callable[[], Pool]
    _all: asyncio.Task[None] | None = None

    async def __call__(self, connection: Connection) -> None:
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            if self._all is None or self._all.done():
                self._all = asyncio.create_task(self.pool().check())
            raise


async def _try_again(pool: Pool) -> None:
    """A pool without any connection asks for one until the database is back."""
    await asyncio.sleep(TRY_AGAIN_S)
    await pool.check()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    await parts.pool.open(wait=False)
    news = News(parts.settings)
    background = [
        asyncio.create_task(keep_fresh(parts.pool, news, (parts.blocklist, parts.steps))),
        asyncio.create_task(keep_sealed(parts.pool, parts.vault)),
    ]
    if parts.settings.smtp_url:
        background.append(asyncio.create_task(keep_sending(parts.pool, parts.settings)))
    if parts.settings.fault == "crash":
        background.append(asyncio.create_task(crash_soon()))
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        await parts.remote.close()
        await parts.reads.close()
        await parts.pool.close(timeout=2)

"""The way to Redis: short time-outs, a breaker, and one error for whatever goes wrong."""

from __future__ import annotations

import logging
from typing import Any, Final

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rolerabbit.breaker import Breaker
from rolerabbit.metrics import Metrics
from rolerabbit.seldom import Seldom

TIMEOUT_S: Final = 0.25
SAID_EVERY_S: Final = 60.0
WITHOUT: Final = "Rate limits hold for each process alone, and pages come from the database,"
PROBE_KEY: Final = "rr:health"
PROBE_SECONDS: Final = 10
_log = logging.getLogger("rolerabbit.cache")


class Unavailable(Exception):
    """Redis is not configured, did not answer, or refused; the text says which."""


class Remote:
    """A client that never waits long. Without an address it is always unavailable."""

    def __init__(self, url: str | None, metrics: Metrics, breaker: Breaker | None = None) -> None:
        self._metrics = metrics
        self._breaker = breaker or Breaker()
        self._seldom = Seldom(SAID_EVERY_S)
        self._client: Redis | None = None
        if url:
            self._client = Redis.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
        metrics.watch_cache(lambda: self.configured and not self._breaker.open)

    @property
    def configured(self) -> bool:
        """Whether there is an address."""
        return self._client is not None

    async def do(self, *command: str | bytes | int) -> Any:
        """Send one command; its answer. Unavailable when there is none, or an error (a full memory, say)."""
        if self._client is None:
            raise Unavailable("REDIS_URL is not set")
        if not self._breaker.allows():
            raise Unavailable("Redis did not answer a moment ago")
        try:
            answer = await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self._lost(error)
            raise Unavailable(f"Redis did not answer: {type(error).__name__}") from error
        except redis.RedisError as error:
            self._metrics.cache_error("refused")
            if self._seldom.may("refused"):
                _log.warning("Redis refuses (%s). %s until it takes them again", error, WITHOUT)
            raise Unavailable(f"Redis refused: {error}") from error
        self._found()
        return answer

    async def probe(self) -> str:
        """Whether it takes a write: what is wrong, or nothing."""
        try:
            await self.do("SET", PROBE_KEY, "1", "EX", PROBE_SECONDS)
        except Unavailable as error:
            return str(error)
        return ""

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()

    def _lost(self, error: Exception) -> None:
        self._metrics.cache_error("timeout" if isinstance(error, redis.TimeoutError | TimeoutError) else "connection")
        before = self._breaker.open
        self._breaker.failed()
        if self._breaker.open and not before:
            _log.warning("Redis does not answer (%s). %s until it does", type(error).__name__, WITHOUT)

    def _found(self) -> None:
        if self._breaker.open:
            _log.warning("Redis answers again: rate limits hold for all replicas together, and pages are cached")
        self._breaker.succeeded()

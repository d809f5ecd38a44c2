"""What one replica counts about itself, in a registry of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

ACTIVE_WINDOW_S: Final = 300.0
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


class PoolFigures(Protocol):
    """The part of a psycopg pool that is read here."""

    @property
    def max_size(self) -> int:
        """How many connections it may open."""

    def get_stats(self) -> dict[str, int]:
        """The pool's own counters."""


class Metrics:
    """Counts requests and who made them. `clock` gives monotonic seconds."""

    def __init__(self, release: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        self._seen: dict[UUID, float] = {}
        self._requests = Counter(
            "http_requests_total", "Requests answered.", ["method", "path", "status"], registry=self.registry
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["method", "path"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests that are being answered; scrapes left out.", registry=self.registry
        )
        build = Gauge(
            "rolerabbit_build_info", "The release that this replica runs.", ["release"], registry=self.registry
        )
        build.labels(release).set(1)
        active = Gauge("active_users", "Distinct users that this replica saw in 5 minutes.", registry=self.registry)
        active.set_function(self.active_users)

        self._cache_errors = Counter(
            "rolerabbit_cache_errors_total",
            "Commands that Redis did not answer (timeout, connection) or refused.",
            ["reason"],
            registry=self.registry,
        )
        self._cache_requests = Counter(
            "cache_requests_total",
            "Look-ups of what everybody may see.",
            ["outcome"],
            registry=self.registry,
        )
        self._limited = Counter(
            "rolerabbit_rate_limited_total",
            "Requests refused with 429.",
            ["kind", "subject"],
            registry=self.registry,
        )
        for reason in ("timeout", "connection", "refused"):
            self._cache_errors.labels(reason)
        for outcome in ("hit", "miss", "unavailable"):
            self._cache_requests.labels(outcome)

    def cache_error(self, reason: str) -> None:
        """Redis failed us."""
        self._cache_errors.labels(reason).inc()

    def cache_request(self, outcome: str) -> None:
        """A look-up: hit, miss or unavailable."""
        self._cache_requests.labels(outcome).inc()

    def limited(self, kind: str, subject: str) -> None:
        """A request of this kind was too much for its address or its account."""
        self._limited.labels(kind, subject).inc()

    def watch_cache(self, reachable: Callable[[], bool]) -> None:
        """Report at every scrape whether Redis counts as reachable."""
        gauge = Gauge("rolerabbit_cache_reachable", "1 while Redis answers this replica.", registry=self.registry)
        gauge.set_function(lambda: float(reachable()))

    def watch_pool(self, pool: PoolFigures) -> None:
        """Report this pool's figures at every scrape."""
        self.registry.register(_PoolCollector(pool))

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request; `path` is the route's template, never the address that was asked for."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, path, str(status)).inc()
        self._duration.labels(known, path).observe(seconds)

    def saw(self, user_id: UUID) -> None:
        """Somebody who is logged in made a request."""
        self._seen[user_id] = self._clock()

    def active_users(self) -> float:
        """Distinct users seen in the last 5 minutes."""
        since = self._clock() - ACTIVE_WINDOW_S
        self._seen = {user: at for user, at in self._seen.items() if at >= since}
        return float(len(self._seen))


class _PoolCollector(Collector):
    def __init__(self, pool: PoolFigures) -> None:
        self._pool = pool

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        stats = self._pool.get_stats()
        in_use = stats.get("pool_size", 0) - stats.get("pool_available", 0)
        yield GaugeMetricFamily("db_pool_size", "Connections that the pool may open.", self._pool.max_size)
        yield GaugeMetricFamily("db_pool_in_use", "Connections taken by requests or being opened.", max(0, in_use))
        yield GaugeMetricFamily(
            "db_pool_waiting", "Requests waiting for a connection.", stats.get("requests_waiting", 0)
        )
        yield CounterMetricFamily(
            "db_pool_waited_total", "Requests that had to wait for a connection.", stats.get("requests_queued", 0)
        )
        yield CounterMetricFamily(
            "db_pool_wait_seconds_total", "Time that requests waited.", stats.get("requests_wait_ms", 0) / 1000
        )

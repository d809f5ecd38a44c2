"""What a replica counts about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from prometheus_client import generate_latest

from rolerabbit.metrics import Metrics


@dataclass
class FakeClock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakePool:
    stats: dict[str, int] = field(default_factory=dict)
    max_size: int = 10

    def get_stats(self) -> dict[str, int]:
        return self.stats


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics("42")
    metrics.request("GET", "/p/{subdomain}", 200, 0.02)
    metrics.request("GET", "/p/{subdomain}", 500, 6.0)
    text = generate_latest(metrics.registry).decode()
    assert 'http_requests_total{method="GET",path="/p/{subdomain}",status="500"} 1.0' in text
    assert 'http_request_duration_seconds_bucket{le="5.0",method="GET",path="/p/{subdomain}"} 1.0' in text
    assert 'http_request_duration_seconds_bucket{le="7.5",method="GET",path="/p/{subdomain}"} 2.0' in text
    assert 'rolerabbit_build_info{release="42"} 1.0' in text


def test_made_up_methods_share_one_label() -> None:
    metrics = Metrics("42")
    metrics.request("BREW", "unmatched", 405, 0.01)
    assert 'method="other"' in generate_latest(metrics.registry).decode()


def test_active_users_are_distinct_and_forgotten_after_five_minutes() -> None:
    clock = FakeClock()
    metrics = Metrics("42", clock)
    metrics.saw(UUID(int=1))
    metrics.saw(UUID(int=1))
    clock.now += 200
    metrics.saw(UUID(int=2))
    assert metrics.active_users() == 2
    clock.now += 101
    assert metrics.active_users() == 1


def test_pool_figures_are_read_at_the_scrape() -> None:
    metrics, pool = Metrics("42"), FakePool({"pool_size": 7, "pool_available": 3, "requests_waiting": 5})
    metrics.watch_pool(pool)
    text = generate_latest(metrics.registry).decode()
    assert "db_pool_size 10.0" in text
    assert "db_pool_in_use 4.0" in text
    pool.stats = {"pool_size": 7, "pool_available": 0}
    text = generate_latest(metrics.registry).decode()
    assert "db_pool_in_use 7.0" in text
    assert "db_pool_waiting 0.0" in text

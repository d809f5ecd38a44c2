from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rolerabbit.platform.metrics import Families, Totals, combine, gauge, parse, render


def replica(requests: int, seconds: tuple[float, ...] = (), active: float = 0, waiting: float = 0) -> Families:
    registry = CollectorRegistry()
    Counter("http_requests", "Requests.", ["status"], registry=registry).labels("200").inc(requests)
    histogram = Histogram("duration_seconds", "Seconds.", buckets=(0.1, 1.0), registry=registry)
    for value in seconds:
        histogram.observe(value)
    Gauge("active_users", "Users.", registry=registry).set(active)
    Gauge("db_pool_waiting", "Waiting.", registry=registry).set(waiting)
    return parse(generate_latest(registry).decode())


def value(families: Families, name: str, family: str | None = None, **labels: str) -> float:
    return families[family or name].samples[(name, tuple(sorted(labels.items())))]


def test_counters_histograms_and_pool_gauges_add_up_and_users_are_the_largest() -> None:
    both = combine([replica(3, (0.05, 0.5), active=4, waiting=1), replica(4, (0.5,), active=7, waiting=2)])
    assert value(both, "http_requests_total", status="200") == 7
    assert value(both, "duration_seconds_bucket", "duration_seconds", le="0.1") == 1
    assert value(both, "duration_seconds_bucket", "duration_seconds", le="+Inf") == 3
    assert value(both, "duration_seconds_sum", "duration_seconds") == pytest.approx(1.05)
    assert value(both, "active_users") == 7
    assert value(both, "db_pool_waiting") == 3


def test_what_an_ended_replica_counted_stays_and_its_gauges_go() -> None:
    totals = Totals().seen("a", replica(5, active=9, waiting=3)).seen("b", replica(1)).ended("a")
    assert value(totals.families(), "http_requests_total", status="200") == 6
    assert value(totals.families(), "active_users") == 0
    assert value(totals.families(), "db_pool_waiting") == 0


def test_an_end_is_counted_once() -> None:
    totals = Totals().seen("a", replica(5)).ended("a").ended("a").ended("never seen")
    assert value(totals.families(), "http_requests_total", status="200") == 5


@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 50))), max_size=30))
def test_the_sum_never_goes_backwards(steps: list[tuple[str, int | None]]) -> None:
    totals, counts, last = Totals(), dict.fromkeys("abc", 0), 0.0
    for name, growth in steps:
        if growth is None:
            totals, counts[name] = totals.ended(name), 0
        else:
            counts[name] += growth
            totals = totals.seen(name, replica(counts[name]))
        families = totals.families()
        now = value(families, "http_requests_total", status="200") if families else 0.0
        assert now >= last
        last = now


def test_creation_times_are_left_out() -> None:
    assert not [name for name in replica(1, (0.5,)) if name.endswith("_created")]


def test_what_is_rendered_can_be_parsed_again() -> None:
    odd = gauge("odd", "Help with \\ and\nnewline.", math.inf, label='quote " slash \\ line\nend')
    families = {**replica(3, (0.5,)), "odd": odd}
    assert parse(render(families.values())) == families


def test_text_that_is_no_exposition() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse('http_requests_total{status="200" 3')

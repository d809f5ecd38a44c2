"""Signals out of scraped samples, against figures worked out by hand and a reference computation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.detection import history as history_module
from hutch.detection.growth import Point, increase, rate
from hutch.detection.history import History
from hutch.detection.signals import SIGNALS, measure_all, scrape_interval, unknown_signal
from hutch.model.action import Sample
from hutch.model.histogram import histogram_quantile

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def sample(name: str, value: float, seconds: float, kind: str = "gauge", **labels: str) -> Sample:
    return Sample(name, labels, value, at(seconds), kind)


def requests(seconds: float, counts: Mapping[str, float], path: str = "/p/{subdomain}") -> list[Sample]:
    rows = counts.items()
    return [sample("http_requests_total", n, seconds, "counter", path=path, status=status) for status, n in rows]


def signal(name: str, history: History, seconds: float, time_scale: float = 1.0) -> float | None:
    return SIGNALS[name].value(history, at(seconds), time_scale)


def test_error_rate_is_5xx_of_all_in_the_last_minute() -> None:
    history = History()
    history.add(requests(0, {"200": 1000, "500": 100}))
    history.add(requests(50, {"200": 1090, "500": 110}))
    assert signal("error_rate", history, 55) == pytest.approx(10.0)
    assert signal("request_rate", history, 55) == pytest.approx(2.0)


def test_without_requests_there_is_a_request_rate_of_zero_but_no_error_rate() -> None:
    history = History()
    history.add(requests(0, {"200": 7}))
    history.add(requests(30, {"200": 7}))
    assert signal("request_rate", history, 30) == 0.0
    assert signal("error_rate", history, 30) is None


def test_no_samples_is_no_data_for_every_signal() -> None:
    assert set(measure_all(History(), T0).values()) == {None}


def test_old_samples_are_no_data() -> None:
    history = History()
    history.add([sample("db_cpu", 40, 0)])
    assert signal("db_cpu", history, 59) == 40
    assert signal("db_cpu", history, 61) is None


def test_the_time_scale_divides_the_window() -> None:
    history = History()
    for second, failed in ((0, 0), (4, 40), (5, 40), (6, 40)):
        history.add(requests(second, {"200": 10.0 * second, "500": failed}))
    assert signal("error_rate", history, 6, time_scale=1) == pytest.approx(40.0)
    assert signal("error_rate", history, 6, time_scale=30) == pytest.approx(0.0)


def test_a_status_that_appears_later_counts_from_zero() -> None:
    history = History()
    history.add(requests(0, {"200": 100}))
    history.add(requests(60, {"200": 100, "500": 30}))
    assert signal("error_rate", history, 60) == pytest.approx(100.0)
    assert signal("request_rate", history, 60) == pytest.approx(0.5)


def test_a_first_scrape_tells_no_growth() -> None:
    history = History()
    history.add(requests(0, {"200": 1_000_000, "500": 1_000_000}))
    assert signal("error_rate", history, 1) is None
    assert signal("request_rate", history, 1) is None


def test_probes_and_scrapes_of_monitoring_are_not_traffic() -> None:
    history = History()
    for second in (0, 30):
        history.add(requests(second, {"200": second}) + requests(second, {"503": second * 9.0}, path="/api/health"))
    assert signal("error_rate", history, 30) == 0.0


def test_two_sources_of_one_metric_are_not_added_up() -> None:
    history = History()
    for second in (0, 60):
        history.add(requests(second, {"200": second}), "platform")
        history.add(requests(second, {"200": second}), "service")
    assert signal("request_rate", history, 60) == pytest.approx(1.0)


def test_uptime_is_the_latest_result_of_each_probe_of_every_source() -> None:
    history = History()
    history.add([sample("probe_success", 0, 0, target="a")], "a")
    history.add([sample("probe_success", 1, 5, target="a")], "a")
    history.add([sample("probe_success", 0, 5, target="b")], "b")
    assert signal("uptime", history, 6) == 50.0


def test_gauges_flows_and_means() -> None:
    history = History()
    for second in (0, 60):
        history.add(
            [
                sample("disk_used", 10 + second, second, mount="/"),
                sample("disk_used", 80, second, mount="/data"),
                sample("network_in", 1000.0 * second, second, "counter"),
                sample("network_out", 512, second),
                sample("db_query_milliseconds_total", 100 + 3.0 * second, second, "counter"),
                sample("db_queries_total", 10 + second, second, "counter"),
                sample("http_requests_total", second / 2, second, "counter", path="/", status="200"),
                sample("cache_requests_total", 3 * second, second, "counter", outcome="hit"),
                sample("cache_requests_total", second, second, "counter", outcome="miss"),
            ]
        )
    assert signal("disk_used", history, 60) == 80
    assert signal("network_in", history, 60) == pytest.approx(1000)
    assert signal("network_out", history, 60) == 512
    assert signal("db_query_time", history, 60) == pytest.approx(3.0)
    assert signal("db_queries_per_request", history, 60) == pytest.approx(2.0)
    assert signal("cache_hit_rate", history, 60) == pytest.approx(75.0)


def test_response_time_from_the_growth_of_the_buckets() -> None:
    history = History()
    for second, counts in ((0, (1000, 1000, 1000)), (30, (1050, 1090, 1100))):
        bounds = zip(("0.1", "0.5", "+Inf"), counts, strict=True)
        name = "http_request_duration_seconds_bucket"
        history.add([sample(name, n, second, "bucket", le=le, path="/") for le, n in bounds])
    assert signal("p50_response_time", history, 30) == pytest.approx(100.0)
    assert signal("p95_response_time", history, 30) == pytest.approx(500.0)


def test_a_value_that_is_no_number_is_no_data() -> None:
    history = History()
    history.add([sample("cpu", math.nan, 0), sample("memory", math.inf, 0), sample("db_cpu", 7, 0, host="a")])
    history.add([sample("db_cpu", math.nan, 0, host="b")])
    assert signal("cpu", history, 0) is None
    assert signal("memory", history, 0) == math.inf
    assert signal("db_cpu", history, 0) == 7


def test_a_series_that_comes_back_does_not_count_from_zero() -> None:
    history = History()
    history.add(requests(0, {"200": 100, "500": 5000}))
    history.add(requests(700, {"200": 100}))
    history.add(requests(710, {"200": 110, "500": 5001}))
    assert signal("error_rate", history, 710) == 0.0


def test_only_wanted_metrics_are_kept() -> None:
    history = History(wanted=frozenset({"cpu"}))
    history.add([sample("cpu", 1, 0), sample("other", 1, 0)])
    assert history.window("other", at(0), timedelta(minutes=1)) == []
    assert signal("cpu", history, 0) == 1


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "SERIES", 10)
    history = History()
    history.add([sample("cpu", 1, 0, host=str(n)) for n in range(25)])
    assert history.dropped == 15
    history.add([sample("cpu", 1, 3600, host="0")])
    assert len(history.window("cpu", at(3600), timedelta(hours=2))) == 1


def test_a_scrape_delivered_twice_counts_once() -> None:
    history = History()
    for second in (0, 60, 60, 5):
        history.add(requests(second, {"200": second}))
    assert signal("request_rate", history, 60) == pytest.approx(1.0)


def test_the_scrape_interval_follows_the_time_scale() -> None:
    assert scrape_interval() == timedelta(seconds=15)
    assert scrape_interval(60) == timedelta(milliseconds=250)


def test_an_unknown_signal_names_the_nearest() -> None:
    assert unknown_signal("eror_rate") == "unknown signal 'eror_rate'; nearest known: error_rate"
    assert "known: active_users, backup_age, cache_hit_rate, cpu," in unknown_signal("zzz")


# ------------------------------------------------------------------ properties


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0, 0), (60, 60)], 1.0),  # the window is covered
        ([(5, 100), (55, 150)], 1.0),  # extended to both edges
        ([(0, 100), (10, 110), (20, 120)], 25 / 60),  # 40 s are too far: half a gap
        ([(20, 0), (50, 30)], 40 / 60),  # it was zero at its first point
        ([(0, 100), (30, 10), (60, 40)], 40 / 60),  # a restart
        ([(0, 5)], None),
    ],
)
def test_a_rate_by_hand(points: list[tuple[float, float]], expected: float | None) -> None:
    got = rate([Point(at(second), value) for second, value in points], at(0), at(60))
    assert got == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), min_size=1, max_size=5))
def test_increase_adds_up_all_growth_across_restarts(lives: list[list[int]]) -> None:
    """Each life of a process starts at zero and is scraped from its first value on, which must show the restart."""
    values: list[float] = [0.0]
    expected = 0.0
    for steps in lives:
        value = 0.0
        for step in steps:
            if value == 0.0 and step >= values[-1] and len(values) > 1:
                step = 0  # a scrape that hides the restart: no computation could see it
            value += step
            expected += step
            values.append(value)
    seen = [Point(at(i), v) for i, v in enumerate(values)]
    assert increase(seen) == pytest.approx(expected_by_reference(values))
    assert increase(seen) >= values[-1]
    assert increase(seen) <= expected + 1e-9


def expected_by_reference(values: list[float]) -> float:
    """Prometheus: last - first, plus the value before each drop (promql/functions.go, extrapolatedRate)."""
    drops = sum(old for old, new in pairwise(values) if new < old)
    return values[-1] - values[0] + drops


OBSERVATIONS = st.lists(st.floats(0.001, 20), min_size=1, max_size=200)
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)


@given(OBSERVATIONS, st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(observed: list[float], q: float) -> None:
    counts = {bound: float(sum(o <= bound for o in observed)) for bound in BOUNDS}
    got = histogram_quantile(q, counts)
    assert got is not None
    true = sorted(observed)[max(0, math.ceil(q * len(observed) - 1e-9) - 1)]
    index = next(i for i, bound in enumerate(BOUNDS) if true <= bound)
    if index == len(BOUNDS) - 1:
        assert got == 10.0
    else:
        low = BOUNDS[index - 1] if index else 0.0
        assert low - 1e-9 <= got <= BOUNDS[index] + 1e-9


@given(OBSERVATIONS)
def test_quantiles_do_not_decrease(observed: list[float]) -> None:
    counts = {bound: float(sum(o <= bound for o in observed)) for bound in BOUNDS}
    p50, p95, p99 = (histogram_quantile(q, counts) for q in (0.5, 0.95, 0.99))
    assert p50 is not None
    assert p95 is not None
    assert p99 is not None
    assert p50 <= p95 <= p99


@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.5, {0.1: 10, 1.0: 20, math.inf: 20}, 0.1),
        (0.75, {0.1: 10, 1.0: 20, math.inf: 20}, 0.55),
        (0.25, {0.1: 10, 1.0: 20, math.inf: 20}, 0.05),
        (0.99, {0.1: 10, 1.0: 20, math.inf: 40}, 1.0),
        (0.5, {-1.0: 10, 1.0: 10, math.inf: 10}, -1.0),
        (0.5, {0.1: 10, 1.0: 8, math.inf: 12}, 0.06),
        (0.5, {0.1: 0, math.inf: 0}, None),
        (0.5, {math.inf: 5}, None),
        (0.5, {0.1: 1, 1.0: 2}, None),
        (0.5, {}, None),
    ],
)
def test_quantile_by_hand(q: float, buckets: dict[float, float], expected: float | None) -> None:
    got = histogram_quantile(q, buckets)
    assert got == (None if expected is None else pytest.approx(expected))

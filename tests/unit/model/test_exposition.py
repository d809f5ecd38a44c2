"""Reading Prometheus' text format, against the client library's own writer and parser."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hutch.model.exposition import samples

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
LABEL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)


@given(LABEL, st.floats(allow_nan=False), st.integers(0, 50))
def test_reads_what_the_library_writes(label: str, level: float, count: int) -> None:
    registry = CollectorRegistry()
    Gauge("level", "A \\ help\ntext", ["of"], registry=registry).labels(label).set(level)
    Counter("done", "x", ["of"], registry=registry).labels(label).inc(count)
    Histogram("took_seconds", "x", ["of"], registry=registry).labels(label).observe(0.2)
    Summary("size", "x", registry=registry).observe(count)
    text = generate_latest(registry).decode()
    expected = [
        (row.name, row.labels, row.value)
        for family in text_string_to_metric_families(text)
        for row in family.samples
        if not row.name.endswith("_created")
    ]
    assert [(s.name, s.labels, s.value) for s in samples(text, NOW)] == expected


def test_kinds() -> None:
    registry = CollectorRegistry()
    Gauge("level_total", "A gauge that is called like a counter", registry=registry)
    Counter("done", "x", registry=registry)
    Histogram("took", "x", registry=registry, buckets=(1,))
    Summary("size", "x", registry=registry)
    text = generate_latest(registry).decode() + "untyped_total 3\n"
    assert {s.name: s.kind for s in samples(text, NOW)} == {
        "level_total": "gauge",
        "done_total": "counter",
        "took_bucket": "bucket",
        "took_count": "counter",
        "took_sum": "counter",
        "size_count": "counter",
        "size_sum": "counter",
        "untyped_total": "gauge",
    }


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("up 1", {}, 1),
        ("up{} 1 1700000000123", {}, 1),
        ('up{a="1",} +Inf', {"a": "1"}, math.inf),
        ('up{ a = "x\\"}\\\\\\n" , b="" }  -2.5e3', {"a": 'x"}\\\n', "b": ""}, -2500),
        ('up{a="1"} 4 # {trace="x"} 0.3', {"a": "1"}, 4),
    ],
)
def test_one_line(line: str, labels: dict[str, str], value: float) -> None:
    (sample,) = samples(f"# EOF and other comments\n\n{line}\r\n", NOW)
    assert (sample.name, sample.labels, sample.value, sample.at) == ("up", labels, value, NOW)


@pytest.mark.parametrize(
    "line", ["up", "up{a=1} 2", 'up{a="1} 2', "up x", "<html>", '{"status": "ok"}', "up1", 'a{"b"} 1']
)
def test_what_is_no_sample_is_named_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is not in Prometheus' text format"):
        samples(f"ok 1\n{line}\n", NOW)


def test_no_number_stays_none() -> None:
    (sample,) = samples("level NaN\n", NOW)
    assert math.isnan(sample.value)

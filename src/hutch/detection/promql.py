"""What each signal is in PromQL, so that a Prometheus that scrapes the same service judges the rules alike.

The figures are those of :mod:`hutch.detection.signals` to the last digit, with one exception: a counter that appears
while it is being scraped counts from zero in Hutch and from its first value in Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from hutch.detection.signals import NOT_TRAFFIC, Measure, SignalSpec

USERS = f'path!~"{"|".join(sorted(NOT_TRAFFIC))}"'
"""Leaves out what only monitoring asks for."""

Series = Callable[..., str]
"""A selector of a metric: ``series(metric, *matchers, over=window)``."""


def expression(spec: SignalSpec, match: str = "", window: timedelta | None = None) -> str:
    """The signal as PromQL; ``match`` is a label matcher that picks the service, such as ``job="shop"``.

    No result, never zero, where the signal has no data; a custom signal of PromQL is what its author wrote.
    """
    if spec.promql:
        return spec.promql
    over = duration(window or spec.window)
    own = ",".join(f'{name}="{value}"' for name, value in spec.where)

    def series(metric: str, *matchers: str) -> str:
        picked = ",".join(m for m in (*matchers, own, match) if m)
        return f"{metric}{{{picked}}}[{over}]" if picked else f"{metric}[{over}]"

    return _EXPRESSIONS[spec.measure](spec, series)


def by_quorum(spec: SignalSpec, match: str, quorum: int) -> str:
    """% of the probes that fewer than ``quorum`` places see fail; a silent place does not count."""
    own = ",".join([*(f'{name}="{value}"' for name, value in spec.where), *([match] if match else [])])
    series = f"{spec.metric}{{{own}}}" if own else spec.metric
    failing = f"sum by (probe) (last_over_time({series}[{duration(spec.window)}]) == bool 0)"
    return f"100 * avg({failing} < bool {quorum})"


def known(text: str) -> str:
    """The same without a value that is no number."""
    return f"({text}) >= -Inf"


def duration(length: timedelta) -> str:
    """As PromQL writes it: ``5m``, ``90s``, ``250ms``."""
    milliseconds = round(length.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def _rate(spec: SignalSpec, series: Series) -> str:
    return f"sum(rate({series(spec.metric, USERS)}))"


def _share(spec: SignalSpec, series: Series) -> str:
    every, (label, value) = f"sum(rate({series(spec.metric, USERS)}))", spec.part
    matcher = f'{label}=~"{value}"'
    part = f"sum(rate({series(spec.metric, matcher, USERS)}))"
    return f"100 * ({part} or 0 * {every}) / ({every} > 0)"


def _quantile(spec: SignalSpec, series: Series) -> str:
    quantile = f"histogram_quantile({spec.quantile:g}, sum by (le) (rate({series(spec.metric, USERS)})))"
    return f"1000 * {quantile} >= -Inf"


def _probes(spec: SignalSpec, series: Series) -> str:
    return f"100 * avg(last_over_time({series(spec.metric)}) > bool 0)"


def _mean(spec: SignalSpec, series: Series) -> str:
    return f"sum(rate({series(spec.metric, USERS)})) / (sum(rate({series(spec.divisor, USERS)})) > 0)"


def _largest(spec: SignalSpec, series: Series) -> str:
    return f"max(last_over_time({series(spec.metric)}))"


def _total(spec: SignalSpec, series: Series) -> str:
    return f"sum(last_over_time({series(spec.metric)}))"


def _flow(spec: SignalSpec, series: Series) -> str:
    return _rate(spec, series) if spec.metric.endswith("_total") else _total(spec, series)


_EXPRESSIONS: Mapping[Measure, Callable[[SignalSpec, Series], str]] = {
    Measure.RATE: _rate,
    Measure.SHARE: _share,
    Measure.QUANTILE: _quantile,
    Measure.PROBES: _probes,
    Measure.MEAN: _mean,
    Measure.LARGEST: _largest,
    Measure.TOTAL: _total,
    Measure.FLOW: _flow,
}

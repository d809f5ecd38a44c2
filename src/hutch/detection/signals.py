"""The signals: what each means, its unit and window, and how it comes from scraped metrics (DESIGN §5).

"No data" is a state of its own and is ``None``, never zero: no requests in the window give no ``error_rate``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum

from hutch.detection.history import CUMULATIVE, History, Slice
from hutch.model.histogram import histogram_quantile

MINUTE = timedelta(minutes=1)

NOT_TRAFFIC = frozenset({"/metrics", "/api/health"})
"""Paths that only monitoring asks for: their requests are not the users' traffic."""


class Measure(StrEnum):
    """How a signal is computed from the series of its metric: each has its PromQL in :mod:`hutch.detection.promql`."""

    RATE = "rate"  # growth of counters, per second, summed
    SHARE = "share"  # growth of the series that ``part`` names ÷ growth of all, %
    QUANTILE = "quantile"  # of the growth of histogram buckets in seconds, given in ms
    PROBES = "probes"  # successes among the latest result of each probe, %
    MEAN = "mean"  # growth of the first metric ÷ growth of the second
    LARGEST = "largest"  # the largest of the latest values
    TOTAL = "total"  # the sum of the latest values
    FLOW = "flow"  # counters as a rate, gauges as they are; summed


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal: ``window`` is before division by the time scale, ``metric`` what it is computed from."""

    name: str
    unit: str
    window: timedelta
    doc: str
    metric: str
    measure: Measure = Measure.LARGEST
    quantile: float = 0.0
    divisor: str = ""  # the second metric of a MEAN
    where: tuple[tuple[str, str], ...] = ()  # labels that the series must have
    part: tuple[str, str] = ("", "")  # of a SHARE: a label, and the whole of its value as an expression
    promql: str = ""  # what a custom signal's author wrote

    def value(self, history: History, now: datetime, time_scale: float = 1.0) -> float | None:
        """The signal at ``now``; None for no data, which a value that is no number is too.

        A source that knows only the signal itself (a load balancer's p95) gives it as a gauge of that name.
        """
        window = _Window(history, now, self.window / time_scale, dict(self.where))
        value = _number_or_none(_MEASURES[self.measure](self, window))
        if value is None and self.name != self.metric:
            value = _number_or_none(_latest(window.of(self.name)))
        return value

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics that it is computed from."""
        return (self.metric, self.divisor) if self.divisor else (self.metric,)

    @property
    def given(self) -> tuple[str, ...]:
        """Those, and its own name, under which a source may give it ready."""
        return (*self.metrics, self.name)


def _response_time(percent: int) -> SignalSpec:
    doc = f"{percent} % of the requests were answered within this time"
    metric = "http_request_duration_seconds_bucket"
    return SignalSpec(f"p{percent}_response_time", "ms", MINUTE, doc, metric, Measure.QUANTILE, percent / 100)


_CATALOGUE = (
    SignalSpec("request_rate", "requests/s", MINUTE, "requests answered", "http_requests_total", Measure.RATE),
    SignalSpec("error_rate", "%", MINUTE, "answers with a 5xx status ÷ all answers", "http_requests_total",
               Measure.SHARE, part=("status", "5..")),
    _response_time(50),
    _response_time(95),
    _response_time(99),
    SignalSpec("active_users", "users", timedelta(minutes=5), "distinct users seen in 5 minutes", "active_users",
               Measure.TOTAL),
    SignalSpec("uptime", "%", MINUTE, "successes in the latest round of probes", "probe_success", Measure.PROBES),
    *(
        SignalSpec(name, "ms", MINUTE, doc, "probe_duration_milliseconds", where=(("phase", phase),))
        for name, phase, doc in (
            ("probe_duration", "total", "the slowest of the latest round of probes"),
            ("probe_lookup", "lookup", "the slowest look-up of a name among them"),
            ("probe_connect", "connect", "the slowest connecting among them"),
            ("probe_tls", "tls", "the slowest TLS handshake among them"),
            ("probe_first_byte", "first_byte", "the longest wait for an answer's first byte among them"),
        )
    ),
    SignalSpec("db_cpu", "%", MINUTE, "use of the database's CPUs", "db_cpu"),
    SignalSpec("db_connections", "connections", MINUTE, "client connections to the database", "db_connections"),
    SignalSpec("db_connections_used", "%", MINUTE, "connections ÷ what ordinary roles may use", "db_connections_used"),
    SignalSpec("db_query_time", "ms", MINUTE, "mean execution time of the statements in the interval",
               "db_query_milliseconds_total", Measure.MEAN, divisor="db_queries_total"),
    SignalSpec("db_queries_per_request", "queries", MINUTE, "statements of the database ÷ requests answered",
               "db_queries_total", Measure.MEAN, divisor="http_requests_total"),
    SignalSpec("cache_hit_rate", "%", MINUTE, "look-ups that the cache answered ÷ all look-ups", "cache_requests_total",
               Measure.SHARE, part=("outcome", "hit")),
    SignalSpec("db_size", "bytes", MINUTE, "size of the database on disk", "db_size"),
    SignalSpec("backup_age", "h", MINUTE, "age of the newest backup that was proved by restoring it", "backup_age"),
    SignalSpec("disk_used", "%", MINUTE, "use of the fullest file system", "disk_used"),
    SignalSpec("cpu", "%", MINUTE, "use of the service's CPUs", "cpu"),
    SignalSpec("memory", "%", MINUTE, "use of the memory", "memory"),
    SignalSpec("network_in", "bytes/s", MINUTE, "bytes received", "network_in", Measure.FLOW),
    SignalSpec("network_out", "bytes/s", MINUTE, "bytes sent", "network_out", Measure.FLOW),
)  # fmt: skip

SIGNALS: Mapping[str, SignalSpec] = {spec.name: spec for spec in _CATALOGUE}
"""The built-in signals by name. A caller that has custom ones passes a catalogue of its own."""


def measure_all(
    history: History, now: datetime, time_scale: float = 1.0, catalogue: Mapping[str, SignalSpec] = SIGNALS
) -> dict[str, float | None]:
    """Every signal of ``catalogue`` at ``now``."""
    return {name: spec.value(history, now, time_scale) for name, spec in catalogue.items()}


def scrape_interval(time_scale: float = 1.0) -> timedelta:
    """How often to scrape so that the shortest window holds four points."""
    return min(spec.window for spec in SIGNALS.values()) / time_scale / 4


def unknown_signal(name: str, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> str:
    """The message for a name that is no signal, with the nearest known one."""
    near = get_close_matches(name, catalogue, n=1, cutoff=0.4)
    hint = f"nearest known: {near[0]}" if near else f"known: {', '.join(sorted(catalogue))}"
    return f"unknown signal {name!r}; {hint}"


# ------------------------------------------------------------------ the measures


@dataclass(frozen=True, slots=True)
class _Window:
    history: History
    now: datetime
    length: timedelta
    where: Mapping[str, str]

    def of(self, metric: str) -> list[Slice]:
        found = ([s for s in slices if self._fits(s)] for slices in self._windows(metric))
        return next((slices for slices in found if slices), [])

    def everywhere(self, metric: str) -> list[Slice]:
        """The series of all sources: each source probes something else."""
        return [s for slices in self._windows(metric) for s in slices if self._fits(s)]

    def _windows(self, metric: str) -> list[list[Slice]]:
        return self.history.windows(metric, self.now, self.length)

    def _fits(self, piece: Slice) -> bool:
        return all(piece.labels.get(name) == value for name, value in self.where.items())

    def traffic(self, metric: str) -> list[Slice]:
        """The series without those of monitoring's own requests."""
        return [s for s in self.of(metric) if s.labels.get("path") not in NOT_TRAFFIC]


def _number_or_none(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _rates(slices: Iterable[Slice]) -> list[float]:
    """The growth of each series that can tell one."""
    found = (s.rate() for s in slices)
    return [grown for grown in found if grown is not None]


def _rate(spec: SignalSpec, window: _Window) -> float | None:
    rates = _rates(window.traffic(spec.metric))
    return sum(rates) if rates else None


def _share(spec: SignalSpec, window: _Window) -> float | None:
    slices = window.traffic(spec.metric)
    total, (label, value) = sum(_rates(slices)), spec.part
    part = sum(_rates(s for s in slices if re.fullmatch(value, s.labels.get(label, ""))))
    return 100.0 * part / total if total > 0 else None


def _quantile(spec: SignalSpec, window: _Window) -> float | None:
    seconds = histogram_quantile(spec.quantile, buckets(window.traffic(spec.metric)))
    return None if seconds is None else seconds * 1000.0


def buckets(slices: Iterable[Slice]) -> dict[float, float]:
    """The growth a second of each bucket, by upper bound, over all series; a bound that is no number is left out."""
    grown: dict[float, float] = {}
    for piece in slices:
        bound, rate = _number(piece.labels.get("le", "")), piece.rate()
        if bound is not None and rate is not None:
            grown[bound] = grown.get(bound, 0.0) + rate
    return grown


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _probes(spec: SignalSpec, window: _Window) -> float | None:
    results = [s.last for s in window.everywhere(spec.metric) if not math.isnan(s.last)]
    return 100.0 * sum(result > 0 for result in results) / len(results) if results else None


def _mean(spec: SignalSpec, window: _Window) -> float | None:
    count, grown = sum(_rates(window.traffic(spec.divisor))), _rates(window.traffic(spec.metric))
    return sum(grown) / count if grown and count > 0 else None


def _largest(spec: SignalSpec, window: _Window) -> float | None:
    return _latest(window.of(spec.metric))


def _latest(slices: Iterable[Slice]) -> float | None:
    """The largest of the newest values; one that is no number only where there is no other."""
    return max((s.last for s in slices if not math.isnan(s.last)), default=None)


def _total(spec: SignalSpec, window: _Window) -> float | None:
    latest = [s.last for s in window.of(spec.metric)]
    return sum(latest) if latest else None


def _flow(spec: SignalSpec, window: _Window) -> float | None:
    slices = window.of(spec.metric)
    if slices and slices[0].kind in CUMULATIVE:
        return _rate(spec, window)
    return _total(spec, window)


_MEASURES: Mapping[Measure, Callable[[SignalSpec, _Window], float | None]] = {
    Measure.RATE: _rate,
    Measure.SHARE: _share,
    Measure.QUANTILE: _quantile,
    Measure.PROBES: _probes,
    Measure.MEAN: _mean,
    Measure.LARGEST: _largest,
    Measure.TOTAL: _total,
    Measure.FLOW: _flow,
}

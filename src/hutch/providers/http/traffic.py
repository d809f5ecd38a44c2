"""What two scrapes of a service's metrics tell together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.action import Sample
from hutch.model.histogram import histogram_quantile

REQUESTS = "http_requests_total"
DURATIONS = "http_request_duration_seconds_bucket"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came in between two scrapes. ``p95`` in ms, None where no histogram tells."""

    requests: float
    failed: float
    p95: float | None

    @property
    def error_rate(self) -> float:
        """5xx ÷ all, %; 0 without requests."""
        return 100.0 * self.failed / self.requests if self.requests else 0.0


def traffic(before: Sequence[Sample], after: Sequence[Sample], ignored: frozenset[str]) -> Traffic:
    """The growth from one scrape to the next, without the requests for ``ignored`` paths.

    A counter that is below what it was began anew from zero.
    """
    grown = _growth(before, after, ignored)
    requests = [(labels, value) for name, labels, value in grown if name == REQUESTS]
    durations = [(labels.get("le", ""), value) for name, labels, value in grown if name == DURATIONS]
    bounds = sorted({bound for bound, _ in durations if bound})
    p95 = histogram_quantile(0.95, {float(b): sum(v for bound, v in durations if bound == b) for b in bounds})
    return Traffic(
        requests=sum(value for _, value in requests),
        failed=sum(value for labels, value in requests if labels.get("status", "").startswith("5")),
        p95=None if p95 is None else p95 * 1000.0,
    )


def _growth(
    before: Iterable[Sample], after: Iterable[Sample], ignored: frozenset[str]
) -> list[tuple[str, Mapping[str, str], float]]:
    known = {_key(sample): sample.value for sample in before}
    wanted = (s for s in after if s.name in {REQUESTS, DURATIONS} and s.labels.get("path") not in ignored)
    pairs = ((s, known.get(_key(s), 0.0)) for s in wanted)
    return [(s.name, s.labels, s.value - old if s.value >= old else s.value) for s, old in pairs]


def _key(sample: Sample) -> tuple[str, tuple[tuple[str, str], ...]]:
    return sample.name, tuple(sorted(sample.labels.items()))

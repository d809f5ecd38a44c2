"""Quantiles of a histogram, as Prometheus' ``histogram_quantile`` computes them (promql/quantile.go)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate


def histogram_quantile(q: float, buckets: Mapping[float, float]) -> float | None:
    """The ``q`` quantile (0…1), linearly interpolated inside its bucket; None where there is nothing to tell.

    ``buckets`` maps upper bounds to cumulative counts and must have ``+Inf``. A quantile in the last bucket is the
    highest finite bound; the lowest bucket starts at zero when its bound is positive. Counts that decrease towards
    higher bounds (scrapes torn apart) are made monotonic.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf or any(math.isnan(count) for count in buckets.values()):
        return None
    counts = list(accumulate((buckets[bound] for bound in bounds), max))
    if counts[-1] <= 0:
        return None
    rank = q * counts[-1]
    index = next(i for i, count in enumerate(counts) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2]
    return _inside(bounds, counts, index, rank)


def _inside(bounds: list[float], counts: list[float], index: int, rank: float) -> float:
    end = bounds[index]
    if index == 0 and end <= 0:
        return end
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    inside = counts[index] - below
    return start + (end - start) * (rank - below) / inside if inside > 0 else end

"""Sums out of the platform's metrics."""

from __future__ import annotations

import urllib.request
from typing import Final

from rolerabbit.drills.service import Service
from rolerabbit.platform.metrics import parse

SECONDS: Final = 10.0


def figure(service: Service, *names: str) -> tuple[float, ...]:
    """Each of these metrics, summed over its series; 0 for one that is not there."""
    with urllib.request.urlopen(f"{service.platform.url}/metrics", timeout=SECONDS) as answer:  # noqa: S310 - loopback
        families = parse(answer.read().decode())
    return tuple(sum(families[name].samples.values()) if name in families else 0.0 for name in names)

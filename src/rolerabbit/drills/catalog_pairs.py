"""Two faults at once, of those that there are: each has a cause, an object and a remedy of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rolerabbit.drills.fault import Fault

PAIRS: Final = (
    ("lock-holder", "redis-full"),
    ("bad-release", "abandoned-slot"),
    ("brute-force", "stale-statistics"),
    ("export-storm", "forgotten-transaction"),
    ("missing-index", "used-up-sequence"),
)
"""None of the two hides the other, or is mended by the other's remedy."""


def pairs_of(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The pairs, made of these faults."""
    known = {fault.name: fault for fault in faults}
    return tuple(_pair(known, *names) for names in PAIRS)


def _pair(known: Mapping[str, Fault], first: str, second: str) -> Fault:
    one, other = known[first], known[second]
    return Fault(
        f"{first}-and-{second}",
        f"two at once: {one.summary}; and {other.summary}",
        one.cause,
        one.object_kind,
        one.remedies,
        tuple(dict.fromkeys((*one.spares, *other.spares))),
        parts=(one, other),
    )

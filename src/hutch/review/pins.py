"""Which events of a timeline are pinned: what somebody who comes later should read first."""

from __future__ import annotations

from collections.abc import Iterable

from hutch.model.event import Event
from hutch.review.reading import text

PINNED, UNPINNED = "event.pinned", "event.unpinned"


def pinned(events: Iterable[Event]) -> tuple[str, ...]:
    """The references (``incident:INC-2026-001#12``) that are pinned, in the order in which they were."""
    found: dict[str, None] = {}
    for event in events:
        if event.kind == PINNED:
            found[text(event.data, "ref")] = None
        elif event.kind == UNPINNED:
            found.pop(text(event.data, "ref"), None)
    return tuple(ref for ref in found if ref)

"""Sentences for a breach's course."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hutch.review.reading import Told
from hutch.review.wording import one_line


def _passed(told: Told) -> str:
    return f"Done by {one_line(told.event.actor)}: {told.get('title', 'a gate')}. Proof: {told.get('proof', 'none')}"


SENTENCES: Mapping[str, Callable[[Told], str]] = {
    "breach.opened": lambda t: (
        f"A breach, under the name {t.get('code_name', 'of none')}; aware since {t.at('aware_at')}"
    ),
    "breach.begun": lambda t: f"Begun: {t.get('title', 'a gate')} (run {t.get('run', '?')})",
    "breach.passed": _passed,
    "breach.noticed": lambda t: (
        f"The authority was told, phase {t.get('phase', '?')}: {t.get('how', 'nobody said how')}. "
        f"Kept as {t.get('file', '?')}"
    ),
}

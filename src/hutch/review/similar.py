"""Which past incidents a new one is like, and what helped then. A sum of what they share, each share named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from hutch.model.incident import Incident
from hutch.review.reading import part, text
from hutch.review.story import Story

CAUSE, THING, RULE, SERVICE, WORD = 5.0, 3.0, 2.0, 1.0, 0.5
"""What it weighs to have the same cause code, its object, an alert rule, the service, a word of the title."""

LEAST = 2.0
"""Below this, two incidents are not alike: the same service alone says nothing."""

MOST_WORDS = 4
"""Words of a title that count."""

_PLAIN = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "with"])


@dataclass(frozen=True, slots=True)
class Like:
    """A past incident: how alike (0 up), by what, and which changes were verified to help."""

    id: str
    title: str
    severity: str
    detected_at: datetime
    score: float
    shares: tuple[str, ...]
    helped: tuple[str, ...]
    resolution: str


def similar(
    state: Incident, rules: Iterable[str], past: Iterable[tuple[Story, Iterable[str]]], most: int = 5
) -> list[Like]:
    """The most alike first. ``rules`` are the names of its alerts; ``past``: others, each with those of its alerts."""
    mine = frozenset(rules)
    found = [_like(state, mine, story, frozenset(theirs)) for story, theirs in past if story.incident.id != state.id]
    alike = [one for one in found if one.score >= LEAST]
    return sorted(alike, key=lambda one: (-one.score, -one.detected_at.timestamp()))[:most]


def _like(state: Incident, mine: frozenset[str], story: Story, theirs: frozenset[str]) -> Like:
    other = story.incident
    shares = list(_shares(state, mine, other, theirs))
    helped = tuple(dict.fromkeys(r.title or r.action for r in story.remedies if r.verified))
    return Like(
        other.id, other.title, other.severity.label, other.detected_at, sum(weight for weight, _ in shares),
        tuple(words for _, words in shares), helped, other.resolution,
    )  # fmt: skip


def _shares(
    state: Incident, mine: frozenset[str], other: Incident, theirs: frozenset[str]
) -> Iterator[tuple[float, str]]:
    one, two = state.cause or {}, other.cause or {}
    if text(one, "code") and text(one, "code") == text(two, "code"):
        yield CAUSE, f"cause {text(one, 'code')}"
        thing = text(part(one, "object"), "id")
        if thing and thing == text(part(two, "object"), "id"):
            yield THING, f"{text(part(one, 'object'), 'kind')} {thing}"
    yield from ((RULE, f"alert {rule}") for rule in sorted(mine & theirs))
    if state.service == other.service:
        yield SERVICE, f"service {state.service}"
    words = sorted(_words(state.title) & _words(other.title))[:MOST_WORDS]
    if words:
        yield WORD * len(words), f"words {', '.join(words)}"


def _words(title: str) -> frozenset[str]:
    return frozenset(w for w in re.findall(r"\w{3,}", title.casefold()[:500]) if w not in _PLAIN)

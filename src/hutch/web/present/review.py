"""Reviews as pages show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.past import Hit
from hutch.model.event import Event
from hutch.model.incident import Incident
from hutch.review.gaps import open_slots
from hutch.web.present.incident import Promise, promised
from hutch.web.present.prose import Html, Slice, references, render
from hutch.web.present.words import Moment, block, line, moment

QUESTIONS_MOST = 40
"""Questions that are asked at a time."""

_MARKS = re.compile(r"[*`\\]|^[-#>\s]+|\[[ x]\]\s")


@dataclass(frozen=True, slots=True)
class Owed:
    """A resolved incident and its review: ``kind`` is overdue, owed or published."""

    id: str
    title: str
    severity: int
    label: str
    service: str
    resolved: Moment
    kind: str
    due: Moment | None


def owed(found: Sequence[tuple[Incident, datetime | None]], now: datetime) -> tuple[Owed, ...]:
    """In the given order."""
    return tuple(_owed(state, due, now) for state, due in found if state.resolved_at)


def _owed(state: Incident, due: datetime | None, now: datetime) -> Owed:
    kind = "published" if due is None else "overdue" if due <= now else "owed"
    assert state.resolved_at
    return Owed(
        state.id, line(state.title), int(state.severity), state.severity.label, line(state.service),
        moment(state.resolved_at, now), kind, moment(due, now) if due else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class HitView:
    """A published review that has the words, and the line around them."""

    id: str
    title: str
    published: Moment
    line: str


def hits(found: Sequence[Hit], now: datetime) -> tuple[HitView, ...]:
    """In the given order."""
    return tuple(HitView(h.incident, line(h.title), moment(h.published_at, now), line(h.line)) for h in found)


@dataclass(frozen=True, slots=True)
class Question:
    """A gap: ``number`` is its place among them, ``about`` the words before it."""

    number: int
    about: str
    asks: str
    section: str


@dataclass(frozen=True, slots=True)
class EditionView:
    """The text to edit and what it still asks."""

    text: str
    kept: bool
    digest: str
    questions: tuple[Question, ...]
    left: int
    rows: int


def edition(text: str, kept: bool, digest: str) -> EditionView:
    """The draft with its questions."""
    slots = open_slots(text)
    found = tuple(_question(text, n, at, words) for n, (at, words) in enumerate(slots[:QUESTIONS_MOST]))
    return EditionView(block(text), kept, digest, found, len(slots), min(max(text.count("\n") + 2, 12), 40))


def _question(text: str, number: int, at: int, words: str) -> Question:
    lines = text.split("\n")
    section = next((x[3:] for x in reversed(lines[:at]) if x.startswith("## ")), "")
    before = _MARKS.sub("", lines[at - 1].partition(f"[{words}]")[0]).strip(" .:-")
    return Question(number, line(before), line(words), line(section))


@dataclass(frozen=True, slots=True)
class PublishedView:
    """What stands on record."""

    at: Moment
    by: str
    html: tuple[str, ...]
    gaps: int
    reason: str


def published(event: Event, now: datetime) -> PublishedView:
    """The latest edition; an erased one keeps no text."""
    data = event.data
    gaps = data.get("gaps")
    return PublishedView(
        moment(event.at, now), line(event.actor), _drawn(block(str(data.get("text", "It was erased.")))),
        gaps if isinstance(gaps, int) else 0, line(data.get("reason", "")),
    )  # fmt: skip


def _drawn(text: str) -> tuple[str, ...]:
    """The Markdown as HTML that a page may hold; its links lead outside, or nowhere."""
    part = Slice(text, base=0, references=references(text))
    return tuple(piece.text for piece in render(part, lambda _: "") if isinstance(piece, Html))


def due(state: Incident, now: datetime) -> Promise | None:
    """The review's promise, while it runs."""
    clock = state.clock("review")
    return promised(clock, now) if clock else None

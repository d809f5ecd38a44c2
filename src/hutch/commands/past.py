"""What earlier incidents have to say: published reviews that are searched, and incidents that are like one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Event
from hutch.model.incident import Incident, fold
from hutch.review.similar import Like
from hutch.review.similar import similar as ranked
from hutch.review.story import Story, story

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE = 64
"""Streams that are read in one turn."""

LOOKED_AT = 200
"""The latest resolved incidents that a new one is compared with."""

AROUND = 60
"""Characters that are shown on each side of what was searched for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A published review that holds the words: the line around the first of them."""

    incident: str
    title: str
    published_at: datetime
    line: str


async def similar(context: Context, incident_id: str, most: int = 5) -> list[Like]:
    """Past incidents that this one is like, with what helped then."""
    state = await incidents.load(context, incident_id)
    own = await context.store.read(state.stream)
    resolved = await context.store.since("incident.resolved", BEGINNING)
    names = list(dict.fromkeys(e.stream for e in reversed(resolved)))[:LOOKED_AT]
    past: list[tuple[Story, Iterable[str]]] = []
    for start in range(0, len(names), AT_ONCE):
        turn = await context.store.read_all(names[start : start + AT_ONCE])
        past += [(await _story(context, events), _rules(events)) for events in turn]
    return ranked(state, _rules(own), past, most)


async def _story(context: Context, events: Sequence[Event]) -> Story:
    state = fold(events)
    journals = await context.store.read_all([f"run:{run}" for run in state.runs]) if state and state.runs else []
    return story(events, journals)


def _rules(events: Sequence[Event]) -> frozenset[str]:
    return frozenset(str(e.data["rule"]) for e in events if e.kind == "alert.fired" and e.data.get("rule"))


async def search(context: Context, words: str) -> list[Hit]:
    """Published reviews, in their latest edition, that hold every word; the latest first."""
    wanted = words.casefold().split()
    if not wanted:
        raise CommandError("say what to search for: hutch review search deadlock", 2)
    latest = {e.stream: e for e in await context.store.since("review.published", BEGINNING)}
    hits = [await _hit(context, e, wanted) for e in latest.values() if _holds(str(e.data.get("text", "")), wanted)]
    return sorted(hits, key=lambda hit: hit.published_at, reverse=True)


def _holds(text: str, wanted: Sequence[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in wanted)


async def _hit(context: Context, event: Event, wanted: Sequence[str]) -> Hit:
    state = await incidents.load(context, event.stream.removeprefix("incident:"))
    line = next(row for row in str(event.data["text"]).splitlines() if any(w in row.casefold() for w in wanted))
    at = min(place for w in wanted if (place := line.casefold().find(w)) >= 0)
    return Hit(state.id, state.title, event.at, line[max(at - AROUND, 0) : at + AROUND].strip())


async def owed(context: Context) -> list[tuple[Incident, datetime | None]]:
    """Resolved incidents with the due time of the review that is owed, None where it is published; owed first."""
    found = [state for state in await incidents.listing(context) if not state.open]
    rows = [(state, clock.due if (clock := state.clock("review")) else None) for state in found]
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or row[0].resolved_at or BEGINNING))

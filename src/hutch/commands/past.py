"""What earlier incidents have to say: published reviews that are searched, and incidents that are like one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.commands import incidents, register
from hutch.commands.context import CommandError, Context
from hutch.commands.recalled import Told
from hutch.commands.seen import Shows, everything
from hutch.model.event import ARCHIVED, Event
from hutch.model.incident import Incident, fold, stream_of
from hutch.model.register import Wanted
from hutch.review.similar import Like
from hutch.review.similar import similar as ranked
from hutch.review.story import Story, story

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE = 64
"""Streams that are read in one turn."""

LOOKED_AT = 200
"""The resolved incidents, those detected last, that a new one is compared with."""

AROUND = 60
"""Characters that are shown on each side of what was searched for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A published review that holds the words: the line around the first of them."""

    incident: str
    title: str
    published_at: datetime
    line: str


async def similar(context: Context, incident_id: str, most: int = 5, shows: Shows = everything) -> list[Like]:
    """Past incidents that this one is like, with what helped then, of those that ``shows`` lets through."""
    found = await incidents.known(context, incident_id)
    return ranked(found.state, _rules(found.kept), await told(context, shows), most)


async def told(context: Context, shows: Shows = everything) -> list[Told]:
    """The stories that a new incident is compared with, of those that ``shows`` lets through; each is read once."""
    entries = await register.entries(context, Wanted(open=False, most=LOOKED_AT), shows)
    unread = [one for one in entries if context.stories.of(one) is None]
    for start in range(0, len(unread), AT_ONCE):
        some = unread[start : start + AT_ONCE]
        turn = await context.store.read_all([stream_of(one.id) for one in some])
        for one, events in zip(some, turn, strict=True):
            context.stories.keep(one, (await _story(context, events), _rules(events)))
    return [known for one in entries if (known := context.stories.of(one))]


async def _story(context: Context, events: Sequence[Event]) -> Story:
    state = fold(events)
    journals = await context.store.read_all([f"run:{run}" for run in state.runs]) if state and state.runs else []
    return story(events, journals)


def _rules(events: Sequence[Event]) -> frozenset[str]:
    return frozenset(str(e.data["rule"]) for e in events if e.kind == "alert.fired" and e.data.get("rule"))


async def search(context: Context, words: str) -> list[Hit]:
    """Published reviews, in their latest edition, that hold every word; the latest first. Of incidents in archives the
    title and the resolution are looked through, since their reviews lie with them.
    """
    wanted = words.casefold().split()
    if not wanted:
        raise CommandError("say what to search for: hutch review search deadlock", 2)
    latest = {e.stream: e for e in await context.store.since("review.published", BEGINNING)}
    hits = [await _hit(context, e, wanted) for e in latest.values() if _holds(str(e.data.get("text", "")), wanted)]
    marks = {e.stream: e for e in await context.store.since(ARCHIVED, BEGINNING) if e.stream not in latest}
    hits += [hit for e in marks.values() if (hit := _lies(e, wanted))]
    return sorted(hits, key=lambda hit: hit.published_at, reverse=True)


def _holds(text: str, wanted: Sequence[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in wanted)


def _lies(mark: Event, wanted: Sequence[str]) -> Hit | None:
    """An incident in an archive, its review with it, that says the words in what is left of it here."""
    kept = mark.data
    if not mark.stream.startswith("incident:") or not _holds(f"{kept.get('title')} {kept.get('resolution')}", wanted):
        return None
    line = f"{kept.get('resolution')} (it lies in an archive, in {kept.get('place')})"
    return Hit(mark.stream.removeprefix("incident:"), str(kept.get("title")), mark.at, line)


async def _hit(context: Context, event: Event, wanted: Sequence[str]) -> Hit:
    state = await incidents.load(context, event.stream.removeprefix("incident:"))
    line = next(row for row in str(event.data["text"]).splitlines() if any(w in row.casefold() for w in wanted))
    at = min(place for w in wanted if (place := line.casefold().find(w)) >= 0)
    return Hit(state.id, state.title, event.at, line[max(at - AROUND, 0) : at + AROUND].strip())


async def owed(context: Context, most: int, shows: Shows = everything) -> list[tuple[Incident, datetime | None]]:
    """Resolved incidents with the due time of the review that is owed, None where it is published; owed first.

    Those that owe something and those resolved last, up to ``most`` of each, that ``shows`` lets through.
    """
    asked = (Wanted(open=False, owing=True, most=most), Wanted(open=False, most=most))
    pages = [await register.page(context, wanted, shows) for wanted in asked]
    found = {state.id: state for page in pages for state in page.incidents}
    rows = [(state, clock.due if (clock := state.clock("review")) else None) for state in found.values()]
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or row[0].resolved_at or BEGINNING))

"""What there is for whoever asks: the services that they may look at, and incidents and runs that let them in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fastapi import Request

from hutch.commands import incidents, past
from hutch.commands.context import Context
from hutch.model.access import Permission
from hutch.model.incident import Incident
from hutch.review.similar import Like
from hutch.web.gate import Entry, asking, person_of
from hutch.web.lists import Asked, Front, Listed, front, listed
from hutch.web.live import Shows, Still, everything
from hutch.web.ran import Ran
from hutch.web.site import site_of

ALIKE = 20
"""Similar incidents that are looked through for some that may be shown."""


def services_for(request: Request) -> list[str]:
    """The services that they may look at."""
    context: Context = request.app.state.context
    return [name for name in context.services if person_of(request).may(Permission.READ, name)]


async def caught_up(request: Request) -> None:
    """:func:`sees` knows what was written until now."""
    if not person_of(request).everybody:
        await site_of(request).circles.catch_up()


def sees(request: Request, stream: str) -> bool:
    """Whether that incident or run lets them in, as of the last :func:`caught_up`."""
    return site_of(request).circles.shows(person_of(request), stream)


async def incidents_for(request: Request) -> list[Incident]:
    """The incidents that let them in, the oldest first."""
    context: Context = request.app.state.context
    found = await incidents.listing(context)
    await caught_up(request)
    return [state for state in found if sees(request, state.stream)]


async def runs_for(request: Request) -> list[Ran]:
    """The runs that they may see, the oldest first."""
    found = await site_of(request).ran.every()
    await caught_up(request)
    return [run for run in found if sees(request, f"run:{run.id}")]


async def likes_for(request: Request, incident_id: str, most: int) -> list[Like]:
    """Past incidents that this one is like, of those that let them in."""
    context: Context = request.app.state.context
    found = await past.similar(context, incident_id, most if person_of(request).everybody else ALIKE)
    await caught_up(request)
    return [like for like in found if sees(request, f"incident:{like.id}")][:most]


async def listening(request: Request) -> tuple[Shows, Still]:
    """Of which streams the live page of whoever asks may hear, and whether it still may.

    Their rights are looked at anew every few seconds: a session that ended hears no more.
    """
    entry: Entry = request.app.state.entry
    who, circles = asking(request), site_of(request).circles
    person = who.person
    await caught_up(request)

    async def still() -> bool:
        nonlocal person
        if person.everybody:
            return await entry.open()
        person = await entry.now(who)
        return person.proved

    return everything if person.everybody else lambda stream: circles.shows(person, stream), still


async def front_for(request: Request) -> Front:
    """The front page's incidents, without those that are not for whoever asks, and counted without them."""
    found = await front(site_of(request).context)
    if person_of(request).everybody:
        return found
    await caught_up(request)
    kept = [shown(request, part) for part in (found.open_ones, found.ended_ones, found.owing)]
    hidden = [len(all_of) - len(some) for all_of, some in zip((found.open_ones, found.ended_ones), kept, strict=False)]
    counts = [without(text, some) for text, some in zip((found.open, found.ended), hidden, strict=True)]
    return Front(kept[0], kept[1], kept[2], counts[0], counts[1])


async def listed_for(request: Request, asked: Asked) -> Listed:
    """A page of the list in the same way; it may be shorter than a page is."""
    found = await listed(site_of(request).context, asked)
    if person_of(request).everybody:
        return found
    await caught_up(request)
    kept = shown(request, found.incidents)
    return replace(found, incidents=kept, total=found.total - len(found.incidents) + len(kept))


def shown(request: Request, found: Iterable[Incident]) -> tuple[Incident, ...]:
    """Those that let in whoever asks, as of the last :func:`caught_up`."""
    return tuple(state for state in found if sees(request, state.stream))


def without(count: str, hidden: int) -> str:
    """``12+`` of which so many are not told of."""
    return f"{int(count.rstrip('+')) - hidden}{'+' if count.endswith('+') else ''}"

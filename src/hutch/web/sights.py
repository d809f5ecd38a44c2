"""What there is for whoever asks: the services that they may look at, and incidents and runs that let them in."""

from __future__ import annotations

from fastapi import Request

from hutch.commands import incidents, past
from hutch.commands.context import Context
from hutch.commands.seen import Shows, everything
from hutch.model.access import Permission
from hutch.model.incident import Incident
from hutch.review.similar import Like
from hutch.web.gate import Entry, asking, person_of
from hutch.web.lists import Asked, Front, Listed, front, listed
from hutch.web.live import Still
from hutch.web.ran import Ran
from hutch.web.site import site_of


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


async def shown_to(request: Request) -> Shows:
    """Which incidents and runs let in whoever asks, as of now: what others may not know of is neither shown nor
    counted, nor does it take the place of what they may."""
    person, circles = person_of(request), site_of(request).circles
    if person.everybody:
        return everything
    await circles.catch_up()
    return lambda stream: circles.shows(person, stream)


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
    return await past.similar(site_of(request).context, incident_id, most, await shown_to(request))


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
    """The front page's incidents."""
    return await front(site_of(request).context, await shown_to(request))


async def listed_for(request: Request, asked: Asked) -> Listed:
    """A page of the list."""
    return await listed(site_of(request).context, asked, await shown_to(request))

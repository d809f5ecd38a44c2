"""What is done on a page: native forms, so that they work without JavaScript. Each ends on the page it came from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands import choosing, incidents, reports, transitions
from hutch.commands.context import CommandError, Context
from hutch.model.access import Permission
from hutch.web import people
from hutch.web.gate import may, person_of
from hutch.web.guard import read_form
from hutch.web.notices import Notice
from hutch.web.site import Site, site_of

router = APIRouter(include_in_schema=False)

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Went:
    """What is said after a form that leads to another page, and that page."""

    said: str
    place: str


Deed = Callable[[Context, Fields, str], Awaitable[str | Went]]
"""Does what a form asks, for a person; returns what is then said. Raises :class:`CommandError`."""

PAGE = re.compile(r"/(?!/)[A-Za-z0-9_/-]*")
"""A page of this server: a path and nothing that could lead elsewhere."""

LONGEST = 10_000
"""Characters of a text that a person writes."""


async def do(request: Request, place: str, deed: Deed) -> Response:
    """What a form asks, then back to ``place``. Raises ``Refused`` for a form that we did not draw."""
    return await settle(request, place, await read_form(request), deed)


async def settle(request: Request, place: str, fields: Fields, deed: Deed) -> Response:
    """The same for a form that is read already."""
    site = site_of(request)
    site.check(request, fields.get("token", ""))
    given = people.clean(fields.get("actor", ""))
    who = site.actor(request, given)
    try:
        done = await deed(site.context, fields, who)
        went = done if isinstance(done, Went) else Went(done, place)
        place, notice = went.place, Notice(went.said, True)
    except CommandError as error:
        notice = Notice(f"Not done: {error}", False)
    answer = back(site, place, notice)
    if given and not person_of(request).proved:
        people.remember(answer, given)
    return answer


def back(site: Site, place: str, notice: Notice) -> Response:
    """To the page, which says the notice once."""
    return RedirectResponse(f"{place}{'&' if '?' in place else '?'}said={site.notices.leave(notice)}", 303)


def wanted(fields: Fields, name: str, what: str) -> str:
    """The field. Raises :class:`CommandError` that asks for ``what`` where it is empty or too long."""
    value = fields.get(name, "")
    if not value:
        raise CommandError(f"{what} is missing")
    if len(value) > LONGEST:
        raise CommandError(f"{what} is longer than {LONGEST} characters")
    return value


@router.post("/report")
async def report(request: Request) -> Response:
    """What somebody noticed: an alert as any other."""

    async def deed(context: Context, fields: Fields, who: str) -> Went:
        text = wanted(fields, "text", "What you see")
        if named := fields.get("service", ""):
            may(request, Permission.REPORT, named)
        receipt = await reports.report(context, text, service=fields.get("service", ""), who=who)
        return Went(f"Thank you. It is part of {receipt.incident}.", f"/incidents/{receipt.incident}")

    return await do(request, "/report", deed)


# ------------------------------------------------------------------ on an incident


@router.post("/incidents/{incident_id}/acknowledgement")
async def acknowledge(request: Request, incident_id: str) -> Response:
    """Somebody has it."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        found = await incidents.acknowledge(context, incident_id, who)
        return f"{found.acknowledged_by} has it."

    return await do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/runbook")
async def runbook(request: Request, incident_id: str) -> Response:
    """The runbook that answers it, of those that fit."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        reference = wanted(fields, "runbook", "A runbook")
        await choosing.take(context, incident_id, reference, who)
        return f"{reference} answers {incident_id}."

    return await do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/notes")
async def note(request: Request, incident_id: str) -> Response:
    """A note on the timeline."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await incidents.note(context, incident_id, wanted(fields, "text", "the note"), who)
        return "Noted on the timeline."

    return await do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/resolution")
async def resolve(request: Request, incident_id: str) -> Response:
    """Resolve by hand."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        seen = int(fields["seen"]) if fields.get("seen", "").isdecimal() else 0
        await transitions.resolve(context, incident_id, wanted(fields, "text", "what ended it"), who, seen)
        return f"{incident_id} is resolved."

    return await do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/people")
async def admit(request: Request, incident_id: str) -> Response:
    """Let somebody in to a private incident; or make it private."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        if fields.get("private") == "yes":
            await incidents.close_off(context, incident_id, who)
            return "Only those who take part see it from now on."
        name = wanted(fields, "person", "a name")
        await incidents.admit(context, incident_id, name, who)
        return f"{name} is let in."

    return await do(request, await _incident_page(request, incident_id), deed)


async def _incident_page(request: Request, incident_id: str) -> str:
    return f"/incidents/{(await incidents.load(site_of(request).context, incident_id)).id}"


@router.post("/me")
async def me(request: Request) -> Response:
    """Keep a name for the log in this browser."""
    place = request.query_params.get("page", "/")

    async def deed(_context: Context, fields: Fields, who: str) -> str:
        return f"What you do stands in the log as {wanted(fields, 'actor', 'a name') and who}."

    return await do(request, place if PAGE.fullmatch(place) else "/", deed)

"""What is done on a page: native forms, so that they work without JavaScript. Each ends on the page it came from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands import incidents, runs
from hutch.commands.context import CommandError, Context
from hutch.model.effect import Effect
from hutch.web import people
from hutch.web.guard import read_form
from hutch.web.notices import Notice
from hutch.web.site import Site, site_of

router = APIRouter(include_in_schema=False)

Fields = dict[str, str]
Deed = Callable[[Context, Fields, str], Awaitable[str]]
"""Does what a form asks, for a person; returns what is then said. Raises :class:`CommandError`."""

PAGE = re.compile(r"/|/(incidents|runs)/[A-Za-z0-9-]+")
LONGEST = 10_000
"""Characters of a text that a person writes."""


async def _do(request: Request, place: str, deed: Deed) -> Response:
    site = site_of(request)
    fields = await read_form(request)
    site.token.check(fields.get("token", ""))
    given = people.clean(fields.get("actor", ""))
    who = given or people.known(request) or people.system_user()
    try:
        notice = Notice(await deed(site.context, fields, who), True)
    except CommandError as error:
        notice = Notice(f"Not done: {error}", False)
    answer = back(site, place, notice)
    if given:
        people.remember(answer, given)
    return answer


def back(site: Site, place: str, notice: Notice) -> Response:
    """To the page, which says the notice once."""
    return RedirectResponse(f"{place}?said={site.notices.leave(notice)}", 303)


def wanted(fields: Fields, name: str, what: str) -> str:
    """The field. Raises :class:`CommandError` that asks for ``what`` where it is empty or too long."""
    value = fields.get(name, "")
    if not value:
        raise CommandError(f"{what} is missing")
    if len(value) > LONGEST:
        raise CommandError(f"{what} is longer than {LONGEST} characters")
    return value


# ------------------------------------------------------------------ on a run


async def _page_of(request: Request, run_id: str) -> str:
    """The run is shown on its incident's page where it has one."""
    run = await runs.load(site_of(request).context, run_id)
    return f"/incidents/{run.incident}" if run.incident else f"/runs/{run.id}"


@router.post("/runs/{run_id}/approval")
async def approve(request: Request, run_id: str) -> Response:
    """Approve a remedy exactly as it was shown."""
    site = site_of(request)

    async def deed(context: Context, fields: Fields, who: str) -> str:
        digest = wanted(fields, "digest", "what you were shown")
        option = wanted(fields, "option", "the remedy")
        offer = (await runs.load(context, run_id)).option(option)
        title = offer.option.title if offer else option
        if site.frozen() and not (offer and offer.approved_by):
            raise CommandError(f"changes are stopped: {site.frozen()}; `hutch thaw` allows them again")
        if offer and offer.option.effect is Effect.DESTROY and fields.get("certain") != "yes":
            raise CommandError(f"“{title}” loses data: tick that you know it")
        await runs.approve(context, run_id, option, who, digest=digest)
        return f"You approved “{title}” as {who}."

    return await _do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/denial")
async def decline(request: Request, run_id: str) -> Response:
    """Decline a remedy, with or without a reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        reason = fields.get("reason", "")[:LONGEST] or f"declined by {who}"
        await runs.deny(context, run_id, wanted(fields, "option", "the remedy"), reason, who)
        return "You declined it."

    return await _do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/decision")
async def decide(request: Request, run_id: str) -> Response:
    """Say whether a change worked that verification could not judge."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        choice = fields.get("choice", "")
        if choice not in ("worked", "failed"):
            raise CommandError("say whether it worked or failed")
        option = wanted(fields, "option", "the remedy")
        await runs.settle(context, run_id, option, choice, fields.get("note", "")[:LONGEST], who)
        return f"You said that it {choice}."

    return await _do(request, await _page_of(request, run_id), deed)


# ------------------------------------------------------------------ on an incident


@router.post("/incidents/{incident_id}/acknowledgement")
async def acknowledge(request: Request, incident_id: str) -> Response:
    """Somebody has it."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        found = await incidents.acknowledge(context, incident_id, who)
        return f"{found.acknowledged_by} has it."

    return await _do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/notes")
async def note(request: Request, incident_id: str) -> Response:
    """A note on the timeline."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await incidents.note(context, incident_id, wanted(fields, "text", "the note"), who)
        return "Noted on the timeline."

    return await _do(request, await _incident_page(request, incident_id), deed)


@router.post("/incidents/{incident_id}/resolution")
async def resolve(request: Request, incident_id: str) -> Response:
    """Resolve by hand."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        if not (await incidents.load(context, incident_id)).open:
            raise CommandError(f"{incident_id} is resolved already")
        await incidents.resolve(context, incident_id, wanted(fields, "text", "what ended it"), who)
        return f"{incident_id} is resolved."

    return await _do(request, await _incident_page(request, incident_id), deed)


async def _incident_page(request: Request, incident_id: str) -> str:
    return f"/incidents/{(await incidents.load(site_of(request).context, incident_id)).id}"


@router.post("/me")
async def me(request: Request) -> Response:
    """Keep a name for the log in this browser."""
    place = request.query_params.get("page", "/")

    async def deed(_context: Context, fields: Fields, who: str) -> str:
        return f"What you do stands in the log as {wanted(fields, 'actor', 'a name') and who}."

    return await _do(request, place if PAGE.fullmatch(place) else "/", deed)

"""What follows containment, on a breach's page: the assessment, the authority's form, the letters, the report."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import runs
from hutch.commands.breach import course, going, lettering, remedies, telling
from hutch.commands.breach.notices import file_notice
from hutch.commands.context import CommandError, Context
from hutch.commands.times import when
from hutch.review.breach_documents import Words, authority_form, report
from hutch.web.breach import drawn, looked_at, place_of
from hutch.web.forms import Fields, do, wanted
from hutch.web.notices import Notice
from hutch.web.present import breach as show
from hutch.web.present.words import block, line
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

LONGEST = 5000
"""Characters of one of the words that only people can say."""


# ------------------------------------------------------------------ whom it reached


@router.post("/breach/{incident_id}/assessment/preview")
async def look(request: Request, incident_id: str) -> Response:
    """Whose data was reached in that time; changes nothing."""
    fields = await looked_at(request)
    try:
        found = await _assessed(site_of(request).context, incident_id, fields)
    except CommandError as error:
        return await drawn(request, incident_id, fields, Notice(f"Not done: {error}", False))
    exact = {**fields, "from": found["since"], "to": found["until"]}
    return await drawn(request, incident_id, exact, reach=show.reach(found), seen=_digest(found))


@router.post("/breach/{incident_id}/assessment")
async def keep(request: Request, incident_id: str) -> Response:
    """Keep what was looked at: it passes the gate with its figures."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        found = await _assessed(context, incident_id, fields)
        if _digest(found) != fields.get("seen", ""):
            raise CommandError("it is not what you looked at any more: look again")
        await telling.keep_assessment(context, incident_id, found, who)
        return f"Kept: {len(found['people'])} people."

    return await do(request, await place_of(request, incident_id), deed)


async def _assessed(context: Context, incident_id: str, fields: Fields) -> dict[str, Any]:
    now = context.clock.now()
    since = when(wanted(fields, "from", "the first trace"), now, "from")
    until = when(fields["to"], now, "to") if fields.get("to") else now
    addresses, accounts = (fields.get(name, "").replace(",", " ").split() for name in ("addresses", "accounts"))
    return await telling.assess(context, incident_id, since, until, addresses, accounts)


def _digest(found: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:32]


# ------------------------------------------------------------------ the authority


@router.post("/breach/{incident_id}/notice/preview")
async def see_notice(request: Request, incident_id: str) -> Response:
    """The form as it would go out now."""
    fields = await looked_at(request)
    context = site_of(request).context
    state, found = await course.load(context, incident_id)
    drafted = show.draft(authority_form(state, found, _words(fields), context.clock.now()))
    return await drawn(request, incident_id, fields, notice_form=drafted)


@router.post("/breach/{incident_id}/notice")
async def told(request: Request, incident_id: str) -> Response:
    """It was sent: it is kept as it went out. The first one passes the gate."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        phase = await file_notice(context, incident_id, _words(fields), wanted(fields, "sent", "how it was sent"), who)
        return f"Phase {phase} is kept by its hash."

    return await do(request, await place_of(request, incident_id), deed)


def _words(fields: Fields) -> Words:
    return Words(**{one.name: fields.get(one.name, "")[:LONGEST] for one in dataclasses.fields(Words)})


# ------------------------------------------------------------------ the people


@router.post("/breach/{incident_id}/letters/preview")
async def see_letter(request: Request, incident_id: str) -> Response:
    """The letter as people would get it, in each language."""
    fields = await looked_at(request)
    context = site_of(request).context
    state, found = await course.load(context, incident_id)
    try:
        letters = lettering.drafted(context, state, found, fields.get("contact", ""), _given(context, fields))
    except CommandError as error:
        return await drawn(request, incident_id, fields, Notice(f"Not done: {error}", False))
    shown = [(one.language, line(one.subject), block(one.text)) for one in letters]
    return await drawn(request, incident_id, fields, letters_shown=shown)


@router.post("/breach/{incident_id}/letters/test")
async def try_letter(request: Request, incident_id: str) -> Response:
    """Offer the letter to one address of ours."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        to, contact = wanted(fields, "to", "an address of yours"), fields.get("contact", "")
        given, language = _given(context, fields), fields.get("language", "")
        run = await lettering.try_letter(context, incident_id, given, contact, language, to, who)
        return f"A letter to {to} is offered as {run.id}. It waits for approval."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/breach/{incident_id}/letters")
async def write(request: Request, incident_id: str) -> Response:
    """Offer the letters, or pass the gate by the run that queued them (``settle``)."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        if fields.get("settle") == "yes":
            await going.finish(context, incident_id, "people", who)
            return "Every letter is in the outbox."
        given = _given(context, fields)
        gate = await lettering.letters_gate(context, incident_id, given, fields.get("contact", ""))
        run = await going.ask(context, incident_id, gate, who)
        return f"The letters are offered as {run.id}. They wait for approval." if run else "Every letter is queued."

    return await do(request, await place_of(request, incident_id), deed)


def _given(context: Context, fields: Fields) -> dict[str, str]:
    """The templates that were changed in their fields, by language."""
    found = {name: fields.get(f"template_{name}", "") for name in lettering.usual(context)}
    return {name: text for name, text in found.items() if text and text != lettering.usual(context)[name].strip()}


# ------------------------------------------------------------------ new passwords


@router.post("/breach/{incident_id}/reset")
async def reset(request: Request, incident_id: str) -> Response:
    """Offer to have everybody choose a new password, or keep what the run that did it came to."""

    async def deed(context: Context, _: Fields, who: str) -> str:
        run = await remedies.reset(context, incident_id, who, runs.load)
        if run is not None:
            return f"New passwords for everybody are offered as {run.id}. It waits for approval."
        return "Every account had to choose a new password."

    return await do(request, await place_of(request, incident_id), deed)


# ------------------------------------------------------------------ the report


@router.post("/breach/{incident_id}/report/preview")
async def see_report(request: Request, incident_id: str) -> Response:
    """The Security Incident Report with these words."""
    fields = await looked_at(request)
    state, found = await course.load(site_of(request).context, incident_id)
    return await drawn(request, incident_id, fields, report=show.draft(report(state, found, _words(fields))))


@router.post("/breach/{incident_id}/report")
async def end(request: Request, incident_id: str) -> Response:
    """Keep the report, make its remediation list action items, and pass the last gate."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await telling.finish(context, incident_id, _words(fields), who)
        return "The report is kept; its remediation list stands among the action items."

    return await do(request, await place_of(request, incident_id), deed)

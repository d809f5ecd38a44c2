"""Erasing a person's data from an incident, by an admin: what would go is looked at, and no more than that goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from hutch.commands import erasing, evidence, incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.erasing import Erased
from hutch.commands.views import incident_json
from hutch.web.acting import Actor
from hutch.web.forms import Fields, Went, do, wanted
from hutch.web.guard import read_form
from hutch.web.present import incident as show_incident
from hutch.web.present import room
from hutch.web.present.words import line
from hutch.web.room import place_of
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1")

LONGEST = 500
"""Characters of a text that is erased, and of the reason."""

Text = Annotated[str, Body(embed=True, max_length=LONGEST)]


@router.get("/incidents/{incident_id}/erasure")
async def page(request: Request, incident_id: str) -> Response:
    """Asks for the text, or for the piece of evidence."""
    return await _page(request, incident_id)


@router.post("/incidents/{incident_id}/erasure/preview")
async def look(request: Request, incident_id: str) -> Response:
    """What holds the text. It comes in the body, not in the address: that stands in logs and in the history."""
    site, fields = site_of(request), await read_form(request)
    site.check(request, fields.get("token", ""))
    text = _bounded(fields, "text", "the text")
    found = await erasing.preview(site.context, incident_id, text)
    return await _page(request, incident_id, text, found)


@router.post("/incidents/{incident_id}/erasure")
async def erase(request: Request, incident_id: str) -> Response:
    """Erase what was looked at, or the evidence of an event."""
    place = await place_of(request, incident_id)

    async def deed(context: Context, fields: Fields, who: str) -> str | Went:
        reason = _bounded(fields, "reason", "the reason")
        if file := fields.get("attachment", ""):
            await evidence.erase_file(context, incident_id, _number(file), reason, who)
            return f"The evidence of event {file} is erased."
        text, seen = _bounded(fields, "text", "the text"), wanted(fields, "seen", "what was looked at")
        found = await erasing.erase_text(context, incident_id, text, reason, who, seen=seen)
        return Went(f"Erased from {_counted(found)}. What left the house before is not reached.", place)

    return await do(request, f"{place}/erasure", deed)


def _bounded(fields: Fields, name: str, what: str) -> str:
    value = wanted(fields, name, what)
    if len(value) > LONGEST:
        raise CommandError(f"{what} is longer than {LONGEST} characters", 2)
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CommandError(f"evidence is named by the number of its event, not by {text[:40]!r}", 2)
    return int(text)


def _counted(found: Erased) -> str:
    """``3 events, 1 file``: what is left out is none."""
    counts = {
        "event": sum(map(len, found.events.values())),
        "file": len(found.files),
        "piece of evidence": len(found.evidence),
    }
    plural = {"piece of evidence": "pieces of evidence"}
    said = [f"{n} {name if n == 1 else plural.get(name, name + 's')}" for name, n in counts.items() if n]
    return ", ".join(said)


async def _page(request: Request, incident_id: str, text: str = "", found: Erased | None = None) -> Response:
    site = site_of(request)
    state, now = await incidents.load(site.context, incident_id), site.context.clock.now()
    return site.draw(
        request,
        "erasing",
        streams="",
        row=show_incident.row(state, now),
        text=text,
        found=found,
        counted=_counted(found) if found else "",
        files=[line(Path(name).name) for name in found.files] if found else [],
        evidence=[f for f in room.files(state, now) if not f.erased],
    )


# ------------------------------------------------------------------ the API


@api.post("/incidents/{incident_id}/erasure/preview")
async def preview(request: Request, incident_id: str, text: Text) -> dict[str, Any]:
    """What would be erased with that text, in whatever case it is written; ``seen`` names it for the erasure."""
    return _told(await erasing.preview(request.app.state.context, incident_id, text))


@api.post("/incidents/{incident_id}/erasure")
async def erased(
    request: Request,
    incident_id: str,
    actor: Actor,
    reason: Text,
    text: Text = "",
    seen: Annotated[str, Body(embed=True, max_length=64)] = "",
    event: Annotated[int, Body(embed=True, ge=0)] = 0,
    fields: Annotated[list[str] | None, Body(embed=True, max_length=50)] = None,
    attachment: Annotated[int, Body(embed=True, ge=0)] = 0,
) -> dict[str, Any]:
    """Erase personal data for good: a ``text`` wherever the incident has it (with ``seen``: only if what would go is
    what was looked at), the words or the ``fields`` of an ``event``, or the evidence that an event attached
    (``attachment``). One of the three."""
    context: Context = request.app.state.context
    if [bool(text), bool(event), bool(attachment)].count(True) != 1 or (fields and not event):
        raise CommandError("give one of text, event (with or without fields) and attachment", 3)
    if text:
        return _told(await erasing.erase_text(context, incident_id, text, reason, actor, seen=seen))
    if attachment:
        return incident_json(await evidence.erase_file(context, incident_id, attachment, reason, actor))
    return incident_json(await evidence.erase_fields(context, incident_id, event, fields or [], reason, actor))


def _told(found: Erased) -> dict[str, Any]:
    """Without the places of files on this machine."""
    return {**found.as_dict(), "files": [Path(name).name for name in found.files]}

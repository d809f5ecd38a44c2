"""Evidence over HTTP: attached on the incident's page or by the API, bounded while it comes; given out as a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from hutch.commands import evidence
from hutch.commands.context import CommandError, Context
from hutch.commands.views import incident_json
from hutch.web.forms import LONGEST, Fields, settle
from hutch.web.gate import person_of
from hutch.web.guard import Refused
from hutch.web.people import system_user
from hutch.web.room import place_of
from hutch.web.site import site_of
from hutch.web.uploads import Part, Uploads

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1")

PIECE = 256 * 1024
"""Bytes that are sent at a time: whoever does not read them holds no more of ours."""

RAW = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""The body is the file."""


@router.post("/incidents/{incident_id}/evidence")
async def attach(request: Request, incident_id: str) -> Response:
    """A file that somebody chose, or a text that was pasted."""
    place, uploads = await place_of(request, incident_id), uploads_of(request)
    async with uploads.form(request) as found:
        file = found.pop("file", Part(""))

        async def deed(context: Context, fields: Fields, who: str) -> str:
            pasted, note = fields.get("pasted", ""), fields.get("note", "")
            if bool(file.size) == bool(pasted):
                raise CommandError("choose a file, or paste a text: one of the two", 2)
            if len(note) > LONGEST:
                raise CommandError(f"the note is longer than {LONGEST} characters", 2)
            name = (file.name if file.size else fields.get("name", "")) or "pasted.txt"
            async with uploads.whole(file.file if file.size else pasted.encode()) as data:
                _, warned = await evidence.attach(context, incident_id, name, data, note, who)
            return "Attached." + (f" Look at it: it may hold {', '.join(warned)}." if warned else "")

        return await settle(request, place, {name: part.text for name, part in found.items()}, deed)


@router.get("/incidents/{incident_id}/evidence/{seq}")
async def given(request: Request, incident_id: str, seq: int) -> Response:
    """What the event ``seq`` attached, as a file to keep: a browser never shows it."""
    return await _given(site_of(request).context, incident_id, seq)


@api.post("/incidents/{incident_id}/evidence", status_code=201, openapi_extra=RAW)
async def send(
    request: Request,
    incident_id: str,
    name: Annotated[str, Query(min_length=1, max_length=200)],
    note: Annotated[str, Query(max_length=2000)] = "",
    actor: Annotated[str, Query(max_length=200, description="Who does it, where nobody signs in.")] = "",
) -> dict[str, Any]:
    """Attach the body as evidence, as ``application/octet-stream``; past ``evidence_kept`` bytes it is refused."""
    context, uploads = site_of(request).context, uploads_of(request)
    who = person_of(request).name or actor or system_user()
    async with uploads.body(request) as file, uploads.whole(file) as data:
        if not data:
            raise Refused("the body is empty: send the file as the body", 422)
        return incident_json((await evidence.attach(context, incident_id, name, data, note, who))[0])


@api.get("/incidents/{incident_id}/evidence/{seq}")
async def fetch(request: Request, incident_id: str, seq: int) -> Response:
    """What the event ``seq`` attached."""
    return await _given(request.app.state.context, incident_id, seq)


async def _given(context: Context, incident_id: str, seq: int) -> Response:
    name, file = await evidence.opened(context, incident_id, seq)
    length = os.fstat(file.fileno()).st_size
    kept = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(length),
    }

    async def pieces() -> AsyncIterator[bytes]:
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    return StreamingResponse(pieces(), headers=kept, media_type="application/octet-stream")


def uploads_of(request: Request) -> Uploads:
    """Those of the application that answers."""
    found: Uploads = request.app.state.uploads
    return found

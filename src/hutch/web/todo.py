"""The page of action items; its forms are those of the incident's room."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import todo
from hutch.web.present import todo as show
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

MOST = 200
"""Items that a page shows."""


@router.get("/todo")
async def page(request: Request, owner: str = "", all: str = "") -> Response:
    """What is still to be done, the first due on top; of one ``owner``, or with those that ended (``all=yes``)."""
    site = site_of(request)
    found = await todo.listing(site.context, everything=all == "yes")
    await caught_up(request)
    every = [one for one in found if sees(request, one.incident.stream)]
    kept = [one for one in every if owner in ("", one.item.owner)]
    rows = show.rows(kept[:MOST], site.context.clock.now())
    asked = urlencode({name: value for name, value in (("owner", owner), ("all", all)) if value})
    return site.draw(
        request,
        "todo",
        streams="incident:*",
        rows=rows,
        total=len(kept),
        overdue=sum(r.kind == "overdue" for r in rows),
        owners=sorted({line(one.item.owner) for one in every}),
        owner=line(owner),
        everything=all == "yes",
        page=f"/todo?{asked}" if asked else "/todo",
    )

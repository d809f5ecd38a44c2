"""The page of action items, whose forms are those of the incident's room; and the runbooks that are to be reviewed."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import todo, upkeep
from hutch.commands.context import Context
from hutch.web.forms import Fields, do, wanted
from hutch.web.present import todo as show
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

MOST = 200
"""Items that a page shows."""


@router.get("/todo")
async def page(request: Request, owner: str = "", all: str = "") -> Response:
    """What is still to be done, the first due on top; of one ``owner``, or with those that ended and the runbooks that
    are to be looked through later (``all=yes``)."""
    site = site_of(request)
    now = site.context.clock.now()
    reviews = await upkeep.listed(site.context, everything=all == "yes")
    found = await todo.listing(site.context, everything=all == "yes")
    await caught_up(request)
    every = [one for one in found if sees(request, one.incident.stream)]
    kept = [one for one in every if owner in ("", one.item.owner)]
    rows = show.rows(kept[:MOST], now)
    books = show.books([one for one in reviews if owner in ("", one.owner)][:MOST], now)
    asked = urlencode({name: value for name, value in (("owner", owner), ("all", all)) if value})
    return site.draw(
        request,
        "todo",
        streams="incident:*",
        rows=rows,
        books=books,
        total=len(kept),
        overdue=[*(r.kind for r in rows), *(b.kind for b in books)].count("overdue"),
        owners=sorted({line(name) for name in (*(o.item.owner for o in every), *(r.owner for r in reviews))}),
        owner=line(owner),
        everything=all == "yes",
        page=f"/todo?{asked}" if asked else "/todo",
    )


@router.post("/todo/reviewed")
async def reviewed(request: Request) -> Response:
    """A runbook was looked through: it is due anew after its schedule."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        found = await upkeep.reviewed(context, wanted(fields, "item", "the runbook"), fields.get("note", ""), who)
        return f"{found.document} is reviewed; it is due again on {found.due:%Y-%m-%d}."

    return await do(request, "/todo", deed)

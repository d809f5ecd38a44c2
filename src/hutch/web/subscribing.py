"""The page of those whom the status page tells: who they are, what became of the last message, and their removal."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import statuspage, subscribers
from hutch.commands.context import Context
from hutch.web.forms import Fields, do
from hutch.web.present.subscribers import rows
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

HERE = "/subscribers"

MOST = 500
"""Rows of the page; `hutch status subscribers` lists all."""


@router.get("/subscribers")
async def page(request: Request) -> Response:
    """Everybody who asked and has not left. Raises :class:`CommandError` where there is no status page."""
    site = site_of(request)
    statuspage.config_of(site.context)
    found = rows(await subscribers.listing(site.context), site.context.clock.now())
    return site.draw(request, "subscribers", streams="subscriber:*", rows=found[:MOST], total=len(found))


@router.post("/subscribers/{subscriber_id}/removal")
async def remove(request: Request, subscriber_id: str) -> Response:
    """Forget one of them."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        gone = await subscribers.remove(context, subscriber_id, who)
        return f"{gone.id} is forgotten, and hears no more."

    return await do(request, HERE, deed)

"""The pages of one-time links: opening one shows what it would do, its form acknowledges."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from hutch.commands import links
from hutch.commands.context import CommandError, Context
from hutch.model.circle import is_private
from hutch.review.wording import one_line
from hutch.web import assets
from hutch.web.site import environment

router = APIRouter(include_in_schema=False)

OWN = ("page.css", "sprite.svg")
"""What the page looks like, under the links' own way: the listener serves no other."""

LONGEST = 2000
"""Characters of a token."""


@router.get("/a/{token}", response_model=None)
async def opened(request: Request, token: str) -> Response:
    """What the link would do. It does nothing: mail scanners open links."""
    if token in OWN:
        return assets.serve("", token, request.headers.get("accept-encoding", ""))
    context: Context = request.app.state.context
    try:
        link = links.read(context, token[:LONGEST])
        state, spent = await links.look(context, link)
    except CommandError as error:
        return _page("This link does not work", [str(error)], status=410 if error.code == 1 else 404)
    title = "private incident" if is_private(await context.store.read(state.stream)) else one_line(state.title)
    told = [f"{state.severity.label}: {title}", f"Service: {state.service}"]
    if spent:
        return _page(state.id, [*told, f"Nothing to do: {spent}."])
    return _page(state.id, told, action=f"{links.PATH}{quote(token)}", person=link.person)


@router.post("/a/{token}", response_model=None)
async def used(request: Request, token: str) -> HTMLResponse:
    """Acknowledge, once."""
    context: Context = request.app.state.context
    try:
        link = links.read(context, token[:LONGEST])
        state = await links.use(context, link)
    except CommandError as error:
        return _page("Nothing was done", [f"{str(error)[:1].upper()}{str(error)[1:]}."], status=409)
    title = "" if is_private(await context.store.read(state.stream)) else f" {one_line(state.title)}"
    return _page(f"{state.id} is acknowledged", [f"{link.person} has it.{title}"])


def _page(heading: str, lines: Sequence[str], *, status: int = 200, action: str = "", person: str = "") -> HTMLResponse:
    """A page that needs nothing of the site but :data:`OWN`."""
    template = environment().get_template("acknowledge.html")
    return HTMLResponse(template.render(heading=heading, lines=lines, action=action, person=person), status)

"""What visitors of the public page may do: subscribe, confirm, leave, and report a problem. Nobody signs in for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from hutch.commands import links, reports, statuspage, subscribers
from hutch.commands.context import CommandError, Context
from hutch.web.guard import read_form
from hutch.web.status import Public

router = APIRouter(include_in_schema=False)

LONGEST = 2000
"""Characters of a report, and of a link."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; with ``rows`` it is a text of several lines."""

    name: str
    label: str
    kind: str = "text"
    rows: int = 0
    value: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What a page asks for."""

    action: str
    button: str
    fields: Sequence[Field] = ()


@router.get("/subscribe", response_model=None)
async def subscribe(request: Request) -> Response:
    """Asks for an address. Raises :class:`CommandError` where that is not offered."""
    if not any(_offered(request)):
        raise CommandError("subscriptions are not offered here", 2)
    return await _subscribing(request)


@router.post("/subscribe", response_model=None)
async def subscribed(request: Request) -> Response:
    """Asks whoever has the address; the answer is the same whether they have it already."""
    given = await read_form(request)
    mail, url = given.get("mail", ""), given.get("webhook", "")
    try:
        if mail and url:
            raise CommandError("a mail address or a webhook: one of the two", 2)
        await subscribers.ask(_context(request), url or mail, hook=bool(url))
    except CommandError as error:
        return await _subscribing(request, str(error), mail, url)
    where = "Look at what your webhook got" if url else "Look into your mail"
    return await _page(request, where, ["We sent you a link: open it to confirm that you want this."])


def _offered(request: Request) -> tuple[bool, bool]:
    """Whether one may subscribe by mail, and by webhook."""
    page = statuspage.config_of(_context(request))
    return bool(page.mail), page.hooks is not None


async def _subscribing(request: Request, error: str = "", mail: str = "", url: str = "") -> Response:
    by_mail, by_hook = _offered(request)
    fields = [Field("mail", "Your mail address", "email", value=mail[:254])] if by_mail else []
    if by_hook:
        label = "Or the address of a webhook" if by_mail else "The address of a webhook"
        fields.append(Field("webhook", label, "url", value=url[:1000]))
    said = ["We tell you of incidents and planned work, and of nothing else. Each message has a link to leave."]
    return await _page(request, "Be told", said, Form("subscribe", "Subscribe", fields), error)


@router.get("/subscription/{token}", response_model=None)
async def opened(request: Request, token: str) -> Response:
    """What the link would do. It does nothing: mail scanners open links."""
    _, asked = links.read_subscriber(_context(request), token[:LONGEST])
    button = "Yes, tell me" if asked else "Tell me no more"
    heading = "Be told of incidents and planned work?" if asked else "Hear no more of us?"
    return await _page(request, heading, [], Form(f"{quote(token)}", button))


@router.post("/subscription/{token}", response_model=None)
async def followed(request: Request, token: str) -> Response:
    """Confirm, or leave; also what a mail program sends for its own button (RFC 8058)."""
    return await _page(request, await subscribers.follow(_context(request), token[:LONGEST]), [])


@router.get("/report", response_model=None)
async def report(request: Request) -> Response:
    """Asks what is wrong. Raises :class:`CommandError` where that is not offered."""
    statuspage.may_report(_context(request))
    return await _reporting(request)


@router.post("/report", response_model=None)
async def reported(request: Request) -> Response:
    """Takes a report in, as an alert; it is durable when this answers."""
    given = (await read_form(request)).get("text", "")[:LONGEST]
    try:
        await statuspage.may_report_now(_context(request))
        await reports.report(_context(request), given, who="a visitor of the status page")
    except CommandError as error:
        return await _reporting(request, str(error), given)
    return await _page(request, "Thank you", ["Those who look after it hear of it at once."])


async def _reporting(request: Request, error: str = "", given: str = "") -> Response:
    form = Form("report", "Report it", [Field("text", "What you see, and since when", rows=6, value=given)])
    return await _page(request, "Report a problem", ["Please write no password and no name of others."], form, error)


async def refused(request: Request, error: Exception) -> Response:
    """What is said to a visitor whom a command refused."""
    said = str(error)
    answer = await _page(request, "That did not work", [f"{said[:1].upper()}{said[1:]}."])
    answer.status_code = 404 if isinstance(error, CommandError) and error.code == 2 else 409
    return answer


def _context(request: Request) -> Context:
    public: Public = request.app.state.public
    return public.context


async def _page(
    request: Request, heading: str, lines: Sequence[str], form: Form | None = None, error: str = ""
) -> HTMLResponse:
    public: Public = request.app.state.public
    page = await statuspage.current(public.context)
    root = "../" if request.url.path.count("/") > 1 else ""
    values = {"page": page, "root": root, "live": True, "heading": heading, "lines": lines, "form": form}
    text = public.templates.get_template("status_form.html").render(**values, error=error)
    return HTMLResponse(text, 400 if error else 200, {"Cache-Control": "no-store"})

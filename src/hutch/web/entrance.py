"""Signing in and out, and the one-time link that makes the first admin."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands.access import audit, people, signin
from hutch.commands.access.digests import digest
from hutch.commands.context import CommandError
from hutch.web.gate import Entry, asking
from hutch.web.guard import Refused, read_form
from hutch.web.notices import Notice
from hutch.web.site import Site, site_of

router = APIRouter(include_in_schema=False)

INSIDE = re.compile(r"/(?![/\\])[\w\-./?=&%#:+~]{0,500}")
"""A place of our own, to go to after signing in: never another site."""


def entry_of(request: Request) -> Entry:
    """Who decides who comes in to the application that answers."""
    found: Entry = request.app.state.entry
    return found


def inside(place: str) -> str:
    """The place if it is one of ours, else the first page."""
    return place if INSIDE.fullmatch(place) and not place.startswith(("/sign-in", "/first/")) else "/"


def let_in(request: Request, secret: str, place: str) -> Response:
    """To the place, with the session in the browser."""
    entry = entry_of(request)
    answer = RedirectResponse(inside(place), 303)
    whole = int(entry.context.config.access.whole.total_seconds())
    answer.set_cookie(entry.cookie, secret, max_age=whole, path="/", httponly=True, secure=entry.secure, samesite="lax")
    return answer


def label_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/") -> Response:
    """Name and password, or the OpenID provider."""
    if asking(request).person.proved:
        return RedirectResponse(inside(next), 303)
    return sign_in_form(site_of(request), request, inside(next))


def sign_in_form(site: Site, request: Request, place: str, status: int = 200, notice: Notice | None = None) -> Response:
    openid = site.context.config.access.openid
    return site.draw(
        request, "sign_in", status=status, streams="", notice=notice, next=place, openid=openid.name if openid else ""
    )


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in; a session that the browser had ends, and the new one has an id of its own."""
    site, entry, who = site_of(request), entry_of(request), asking(request)
    fields = await read_form(request)
    site.token.check(fields.get("token", ""))
    place = inside(fields.get("next", "/"))
    try:
        await entry.throttle.sign_in(who.address)
        _, secret = await signin.sign_in(
            site.context,
            fields.get("name", ""),
            fields.get("password", ""),
            address=who.address,
            label=label_of(request),
        )
    except (signin.NotIn, Refused) as error:
        status = error.status if isinstance(error, Refused) else 401
        return sign_in_form(site, request, place, status, Notice(str(error), False))
    if who.secret:
        await audit.accounts(site.context).end_sessions(digests=[digest(who.secret)])
    return let_in(request, secret, place)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """The session ends here and in the browser."""
    site, entry, who = site_of(request), entry_of(request), asking(request)
    site.check(request, (await read_form(request)).get("token", ""))
    if who.secret:
        await signin.sign_out(site.context, who.secret, who.person.name)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(entry.cookie, path="/", httponly=True, secure=entry.secure, samesite="lax")
    return answer


@router.get("/first/{secret}")
async def first_page(request: Request, secret: str) -> Response:
    """Opening the link does nothing: its form makes the admin."""
    return await _first(request, secret)


async def _first(request: Request, secret: str, notice: Notice | None = None) -> Response:
    site = site_of(request)
    accounts = audit.accounts(site.context)
    good = await accounts.ticket(digest(secret), site.context.clock.now()) == people.FIRST and not await accounts.any()
    status = 200 if good and not notice else 409 if good else 410
    return site.draw(request, "first", status=status, streams="", notice=notice, secret=secret, good=good)


@router.post("/first/{secret}")
async def first(request: Request, secret: str) -> Response:
    """Make the first admin, and sign them in."""
    site, who = site_of(request), asking(request)
    fields = await read_form(request)
    site.token.check(fields.get("token", ""))
    try:
        await entry_of(request).throttle.sign_in(who.address)
        if fields.get("password") != fields.get("again"):
            raise CommandError("the two passwords are not the same")
        name = fields.get("name", "").lower()
        account = await people.first_admin(site.context, secret, name, fields.get("password", ""))
    except (CommandError, Refused) as error:
        return await _first(request, secret, Notice(f"Not done: {error}", False))
    begun = await signin.begin(
        site.context, account, "first admin's link", address=who.address, label=label_of(request)
    )
    return let_in(request, begun, "/")

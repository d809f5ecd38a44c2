"""To the OpenID provider, and back from it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands.access import audit, openid
from hutch.commands.access.digests import digest
from hutch.commands.access.signin import NotIn
from hutch.commands.context import CommandError
from hutch.web.entrance import entry_of, inside, label_of, let_in, sign_in_form
from hutch.web.gate import asking
from hutch.web.guard import Refused
from hutch.web.notices import Notice
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

COOKIE = "hutch-openid"
"""Binds what comes back to the browser that went."""


@router.get("/openid/start")
async def start(request: Request, next: str = "/") -> Response:
    """Send the browser to the provider."""
    site, entry = site_of(request), entry_of(request)
    provider = entry.provider
    if provider is None:
        raise CommandError("There is no provider to sign in with.", 2)
    try:
        await entry.throttle.sign_in(asking(request).address)
        now = site.context.clock.now()
        begun = await openid.begin(provider, inside(next), now)
    except (NotIn, Refused) as error:
        status = error.status if isinstance(error, Refused) else 502
        return sign_in_form(site, request, inside(next), status, Notice(str(error), False))
    answer = RedirectResponse(begun.address, 303)
    key = entry.pending.keep(begun, now)
    whole = int(openid.GOOD_FOR.total_seconds())
    answer.set_cookie(COOKIE, key, max_age=whole, path="/openid/", httponly=True, secure=entry.secure, samesite="lax")
    return answer


@router.get("/openid/back")
async def back(request: Request, state: str = "") -> Response:
    """Who comes back with a code of the sign-in that this browser began is signed in."""
    site, entry, who = site_of(request), entry_of(request), asking(request)
    begun = entry.pending.take(request.cookies.get(COOKIE, ""), state, site.context.clock.now())
    try:
        if begun is None or entry.provider is None:
            raise NotIn("This sign-in was not begun here, or too long ago: begin again.")
        claims = await openid.finish(entry.provider, begun, request.url.query)
        secret = await openid.come(site.context, claims, address=who.address, label=label_of(request))
    except CommandError as error:
        answer = sign_in_form(site, request, "/", 401, Notice(str(error), False))
    else:
        if who.secret:
            await audit.accounts(site.context).end_sessions(digests=[digest(who.secret)])
        answer = let_in(request, secret, begun.place)
    answer.delete_cookie(COOKIE, path="/openid/", httponly=True, secure=entry.secure, samesite="lax")
    return answer

"""Somebody's own account: password, sessions, tokens."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands.access import audit, people, signin, tokens
from hutch.commands.context import CommandError
from hutch.model.access import SCOPES
from hutch.web.entrance import let_in
from hutch.web.forms import back
from hutch.web.gate import asking
from hutch.web.guard import read_form
from hutch.web.notices import Notice
from hutch.web.present.people import session_rows, token_rows
from hutch.web.present.words import line
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

HERE = "/account"


@router.get("/account")
async def account(request: Request) -> Response:
    """Who one is here, what one may do, and by what one comes in."""
    return await _page(request)


async def _page(request: Request, secret: str = "", notice: Notice | None = None) -> Response:
    site, who = site_of(request), asking(request)
    accounts, now = audit.accounts(site.context), site.context.clock.now()
    name = who.person.name
    sessions = await accounts.sessions(name)
    return site.draw(
        request,
        "account",
        streams="",
        notice=notice,
        account=who.account,
        sessions=session_rows(sessions, who.session, site.context.config.access, now),
        tokens=token_rows(await accounts.tokens(name), now),
        scopes=[s.value for s in SCOPES if who.person.may_somewhere(s)],
        fresh=secret,
    )


@router.post("/account/password")
async def password(request: Request) -> Response:
    """A new password: every other session ends, and this one goes on under a new id."""
    site, who = site_of(request), asking(request)
    fields = await read_form(request)
    site.check(request, fields.get("token", ""))
    try:
        if fields.get("new") != fields.get("again"):
            raise CommandError("the two new passwords are not the same")
        changed = await people.change_own(site.context, who.person.name, fields.get("old", ""), fields.get("new", ""))
    except CommandError as error:
        return back(site, HERE, Notice(f"Not done: {error}", False))
    label = who.session.label if who.session else ""
    secret = await signin.begin(site.context, changed, "new password", address=who.address, label=label)
    said = Notice("Your password is changed. Every other session of yours has ended.", True)
    return let_in(request, secret, f"{HERE}?said={site.notices.leave(said)}")


@router.post("/account/sessions/end")
async def end_session(request: Request) -> Response:
    """One of one's sessions ends, by the beginning of its digest; or all others."""
    site, who = site_of(request), asking(request)
    fields = await read_form(request)
    site.check(request, fields.get("token", ""))
    own = who.session.digest if who.session else ""
    known = [s.digest for s in await audit.accounts(site.context).sessions(who.person.name)]
    wanted = fields.get("session", "")
    chosen = [d for d in known if d != own and (wanted == "others" or (wanted and d.startswith(wanted)))]
    if not chosen:
        return back(site, HERE, Notice("There is no such session any more.", False))
    count = await signin.end(site.context, who.person.name, chosen, who.person.name)
    return back(site, HERE, Notice(f"{count} session{'' if count == 1 else 's'} ended.", True))


@router.post("/account/tokens")
async def make_token(request: Request) -> Response:
    """A token, shown on this one page and never again."""
    site, who = site_of(request), asking(request)
    fields = await read_form(request)
    site.check(request, fields.get("token", ""))
    chosen = [s for s in SCOPES if fields.get(f"scope.{s}") == "yes"]
    try:
        good_for = timedelta(days=_days(fields.get("days", "")))
        made, secret = await tokens.make(
            site.context, who.person.name, line(fields.get("label", "")), tokens.scopes_of(chosen), good_for,
            who.person.name,
        )  # fmt: skip
    except CommandError as error:
        return back(site, HERE, Notice(f"Not done: {error}", False))
    return await _page(request, secret, Notice(f"Token {made.id} is made. It is shown this once.", True))


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 3):
        raise CommandError("days: a whole number from 1 to 366")
    return int(text)


@router.post("/account/tokens/{token_id}/revocation")
async def revoke_token(request: Request, token_id: str) -> Response:
    """One of one's tokens is good no more."""
    site, who = site_of(request), asking(request)
    site.check(request, (await read_form(request)).get("token", ""))
    try:
        await tokens.revoke(site.context, token_id, who.person.name, who.person.name)
    except CommandError as error:
        return back(site, HERE, Notice(f"Not done: {error}", False))
    return back(site, HERE, Notice(f"Token {token_id} is good no more.", True))

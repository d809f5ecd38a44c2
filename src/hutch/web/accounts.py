"""What an admin does: people, their roles and sessions, and the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands.access import audit, people, signin
from hutch.commands.context import CommandError, Context
from hutch.model.access import AccessRole
from hutch.web.forms import Fields, back
from hutch.web.gate import person_of
from hutch.web.guard import read_form
from hutch.web.notices import Notice
from hutch.web.present.people import account_rows, audit_rows
from hutch.web.present.words import line
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

HERE = "/people"

DAYS = 90
"""How far back the page of the audit log looks; `hutch audit` takes any time."""

MOST = 500
"""Rows of the page."""


@router.get("/people")
async def everybody(request: Request) -> Response:
    """Every account."""
    site = site_of(request)
    accounts = audit.accounts(site.context)
    return site.draw(
        request,
        "people",
        streams="",
        people=account_rows(await accounts.every(), site.context.clock.now()),
        roles=[r.value for r in AccessRole],
        services=list(site.context.services),
        open_house=not await accounts.any(),
    )


async def _do(request: Request, deed: Callable[[Context, Fields, str], Awaitable[str]]) -> Response:
    site = site_of(request)
    fields = await read_form(request)
    site.check(request, fields.get("token", ""))
    try:
        said = Notice(await deed(site.context, fields, site.actor(request)), True)
    except CommandError as error:
        said = Notice(f"Not done: {error}", False)
    return back(site, HERE, said)


@router.post("/people")
async def add(request: Request) -> Response:
    """A new account, with a password that its owner changes."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        name = fields.get("name", "").lower()
        if not await audit.accounts(context).any():
            raise CommandError("the first account is made on the command line: `hutch user add NAME --role admin`")
        if not fields.get("password"):
            raise CommandError("a password is missing")
        made = await people.add(context, name, people.role_of(fields.get("role", "")), fields["password"], who)
        return f"{made.name} may sign in."

    return await _do(request, deed)


@router.post("/people/{name}/role")
async def role(request: Request, name: str) -> Response:
    """A role, everywhere or for a service."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        wanted, service = people.role_of(fields.get("role", "")), fields.get("service", "")
        await people.set_role(context, name, wanted, service, who)
        where = f" for {service}" if service else ""
        return f"{name} is {wanted.value if wanted else 'nothing'}{where} from now on, and has to sign in again."

    return await _do(request, deed)


@router.post("/people/{name}/state")
async def state(request: Request, name: str) -> Response:
    """Disable, or enable again."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        off = fields.get("state") == "disabled"
        await people.disable(context, name, off, who)
        return f"{name} {'may come in no more' if off else 'may come in again'}."

    return await _do(request, deed)


@router.post("/people/{name}/password")
async def password(request: Request, name: str) -> Response:
    """A new password for somebody who forgot theirs."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await people.set_password(context, name, fields.get("password", ""), who)
        return f"{name} has a new password, and no session any more."

    return await _do(request, deed)


@router.post("/people/{name}/sessions/end")
async def end_sessions(request: Request, name: str) -> Response:
    """All sessions of somebody end."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        await people.load(context, name)
        return f"{await signin.end(context, name, [], who)} sessions of {name} ended."

    return await _do(request, deed)


@router.get("/audit")
async def audit_log(request: Request, q: str = "") -> Response:
    """Sign-ins, grants, refusals, approvals; ``q`` keeps what has all its words."""
    site = site_of(request)
    found = await audit.since(site.context, site.context.clock.now() - timedelta(days=DAYS))
    person = person_of(request)
    rows = audit_rows(found, q.lower().split()[:10], site.context.clock.now())
    shown = [r for r in rows if site.circles.shows(person, r.stream)]
    return site.draw(request, "audit", streams="access", q=line(q), rows=shown[:MOST], total=len(shown), days=DAYS)

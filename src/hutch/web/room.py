"""What people do in an incident's room beside approving: roles, severity, pins, action items, and that it is back."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import assess, incidents, pins, record, todo, transitions
from hutch.commands.context import CommandError, Context
from hutch.commands.times import by
from hutch.commands.todo import Wanted
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.web.forms import Fields, do, wanted
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

LIST = re.compile(r"/todo(\?[A-Za-z0-9=&%+._-]{0,300})?")
"""The other page from which action items are changed."""


async def place_of(request: Request, incident_id: str) -> str:
    """The incident's page. Raises :class:`CommandError` where there is no such incident."""
    return f"/incidents/{(await incidents.load(site_of(request).context, incident_id)).id}"


@router.post("/incidents/{incident_id}/roles")
async def assign(request: Request, incident_id: str) -> Response:
    """Take a role, or hand it over: taken from somebody it needs a reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        role, name = _role(fields), fields.get("who", "") or who
        await incidents.assign(context, incident_id, name, who, role, fields.get("reason", ""))
        return f"{name} is {role.called}."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/incidents/{incident_id}/roles/release")
async def release(request: Request, incident_id: str) -> Response:
    """Lay a role down."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        role, name = _role(fields), fields.get("who", "")
        held = (await incidents.load(context, incident_id)).roles.get(role, ())
        if not any(name in ("", h.who) for h in held):
            raise CommandError(f"{name or 'nobody'} is not {role.called}")
        await incidents.release(context, incident_id, role, name, wanted(fields, "reason", "the reason"), who)
        return f"{name or 'Nobody'} is no longer {role.called}." if name else f"Nobody is {role.called} now."

    return await do(request, await place_of(request, incident_id), deed)


def _role(fields: Fields) -> Role:
    name = fields.get("role", "")
    if name not in list(Role):
        raise CommandError(f"there is no role {name[:40]!r}; there are: {', '.join(Role)}", 2)
    return Role(name)


@router.post("/incidents/{incident_id}/severity")
async def severity(request: Request, incident_id: str) -> Response:
    """Another severity, with a reason; what is not yet met is due anew."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        reason = wanted(fields, "reason", "the reason")
        try:
            level = Severity.of(fields.get("severity", ""))
        except ValueError as error:
            raise CommandError(str(error), 2) from error
        if (await incidents.load(context, incident_id)).severity is level:
            raise CommandError(f"it is {level.label} already")
        await transitions.set_severity(context, incident_id, level, reason, who, seen_in(fields))
        return f"{incident_id} is {level.label} now; what is not yet met is due anew."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/incidents/{incident_id}/reopening")
async def reopen(request: Request, incident_id: str) -> Response:
    """It is back."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        reason = wanted(fields, "reason", "what came back")
        await transitions.reopen(context, incident_id, reason, who, seen_in(fields))
        return f"{incident_id} is open again; its promises start anew."

    return await do(request, await place_of(request, incident_id), deed)


# ------------------------------------------------------------------ pins


@router.post("/incidents/{incident_id}/pins")
async def pin(request: Request, incident_id: str) -> Response:
    """Put an event where everybody sees it first; ``down`` takes it off again."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        if down := fields.get("down", ""):
            await pins.unpin(context, incident_id, down, who)
            return "The pin is off."
        await pins.pin(context, incident_id, wanted(fields, "ref", "the event"), who)
        return "Pinned: it stands above the timeline."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/incidents/{incident_id}/corrections")
async def correct(request: Request, incident_id: str) -> Response:
    """Say what is true instead of an event; the event stays."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        seq = _number(wanted(fields, "event", "the event's number"))
        await record.correct(context, incident_id, seq, wanted(fields, "text", "what is true"), who)
        return f"Event {seq} is corrected; what it said stays in the log."

    return await do(request, await place_of(request, incident_id), deed)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CommandError(f"an event is named by its number, not by {text[:40]!r}", 2)
    return int(text)


def seen_in(fields: Fields) -> int:
    """The last event that the page showed to whom it is that decides; 0 where the form does not say."""
    return _number(fields["seen"]) if fields.get("seen") else 0


# ------------------------------------------------------------------ how bad it is


@router.post("/incidents/{incident_id}/assessment")
async def measure(request: Request, incident_id: str) -> Response:
    """The severity that what is measured now speaks for: a proposal, and no more."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        _, found = await assess.assess(context, incident_id, who)
        return f"What is measured speaks for {found.severity.label}."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/incidents/{incident_id}/affected")
async def affected(request: Request, incident_id: str) -> Response:
    """Who is hit; it replaces what was said before."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        names = [n for n in (part.strip() for part in fields.get("services", "").split(",")) if n]
        await record.affected(context, incident_id, names, fields.get("users", ""), _share(fields), who)
        return "It is said who is hit."

    return await do(request, await place_of(request, incident_id), deed)


def _share(fields: Fields) -> float | None:
    text = fields.get("share", "")
    try:
        return float(text) if text else None
    except ValueError as error:
        raise CommandError(f"the share is {text[:20]!r}: a part of all users, from 0 to 100 %", 2) from error


# ------------------------------------------------------------------ action items


@router.post("/incidents/{incident_id}/items")
async def add_item(request: Request, incident_id: str) -> Response:
    """An action item: what, who, by when, and where it is followed up."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        due = by(wanted(fields, "due", "the day by which it is done"), context.clock.now(), context.config.calendar,
                 "The day")  # fmt: skip
        made = Wanted(wanted(fields, "text", "what is to be done"), wanted(fields, "owner", "who does it"), due,
                      fields.get("link", ""))  # fmt: skip
        found = await todo.add(context, incident_id, made, who)
        return f"{found.id}: {found.item.owner} does it by {found.item.due:%Y-%m-%d}."

    return await do(request, await _from(request, incident_id), deed)


@router.post("/incidents/{incident_id}/items/{number}/{deed}")
async def end_item(request: Request, incident_id: str, number: int, deed: str) -> Response:
    """It is done, it will not be done, or it moves to somebody or to another day."""
    item = f"{incident_id}/{number}"

    async def ended(context: Context, fields: Fields, who: str) -> str:
        if deed == "done":
            await todo.done(context, item, fields.get("note", ""), who)
            return f"{item} is done."
        if deed == "drop":
            await todo.drop(context, item, wanted(fields, "note", "the reason"), who)
            return f"{item} will not be done."
        if deed != "move":
            raise CommandError(f"an action item is not {deed[:20]!r}: done, drop or move", 2)
        found = await todo.move(context, item, _moved(context, fields), who)
        return f"{item}: {found.item.owner} does it by {found.item.due:%Y-%m-%d}."

    return await do(request, await _from(request, incident_id), ended)


def _moved(context: Context, fields: Fields) -> Wanted:
    owner, day = fields.get("owner", ""), fields.get("due", "")
    if not owner and not day:
        raise CommandError("name another owner, or another day", 2)
    due = by(day, context.clock.now(), context.config.calendar, "The day") if day else None
    return Wanted(None, owner or None, due, None)


async def _from(request: Request, incident_id: str) -> str:
    """The page on which the form stands: the list of action items, or the incident's."""
    place, given = await place_of(request, incident_id), request.query_params.get("page", "")
    return given if LIST.fullmatch(given) else place

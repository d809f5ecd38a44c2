"""What is done about a run on a page: starting it, and all that a person decides in it."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import byhand, incidents, runs
from hutch.commands.context import CommandError, Context
from hutch.commands.respond import run_document
from hutch.model.access import Permission
from hutch.model.effect import Effect
from hutch.model.incident import stream_of
from hutch.model.run import Run
from hutch.web.acting import may_approve
from hutch.web.forms import LONGEST, Fields, Went, do, wanted
from hutch.web.gate import may, person_of
from hutch.web.present.runbook import address
from hutch.web.runbooks import split
from hutch.web.sights import caught_up, sees
from hutch.web.site import Site, site_of

router = APIRouter(include_in_schema=False)

MOST_VALUE = 2000
"""Characters of one value or binding."""


@router.post("/runbooks/{place:path}")
async def start(request: Request, place: str) -> Response:
    """Start a runbook, or one step of it, as the page showed it."""
    site = site_of(request)
    name, anchor = split(place, await site.shelf.names())

    async def deed(context: Context, fields: Fields, who: str) -> Went:
        await _as_shown(site, name, anchor, fields)
        may(request, Permission.RESPOND, context.service(fields.get("service", "")).name)
        await caught_up(request)
        if fields.get("incident") and not sees(request, stream_of(fields["incident"])):
            raise CommandError(f"There is no incident {fields['incident'][:80]}.", 2)
        incident = await incidents.load(context, fields["incident"]) if fields.get("incident") else None
        found = await run_document(
            context,
            f"{name}#{anchor}",
            fields.get("service", ""),
            incident=incident,
            values=_named(fields, "value."),
            binds=_named(fields, "bind."),
            mode="dry-run" if fields.get("dry") == "yes" else "",
            step=fields.get("step", ""),
            actor=who,
        )
        return Went(f"Started as {found.id}.", _page(found))

    service = request.query_params.get("service", "")
    return await do(request, address(name, anchor) + (f"?service={quote(service)}" if service else ""), deed)


async def _as_shown(site: Site, name: str, anchor: str, fields: Fields) -> None:
    """Raises :class:`CommandError` where the document is no longer what the page showed."""
    volume = await site.shelf.volume(name)
    if volume.document.hash != fields.get("hash"):
        raise CommandError("the document was changed since this page was drawn: read it again, then start it")
    if not any(r.id == anchor for r in volume.document.runbooks):
        raise CommandError("there is no such runbook in this document")


def _named(fields: Fields, prefix: str) -> dict[str, str]:
    found = {k.removeprefix(prefix): v for k, v in fields.items() if k.startswith(prefix) and v}
    for name, value in found.items():
        if len(value) > MOST_VALUE:
            raise CommandError(f"the value of {name[:80]} is longer than {MOST_VALUE} characters")
    return found


# ------------------------------------------------------------------ in a run


async def _page_of(request: Request, run_id: str) -> str:
    """The run is shown on its incident's page where it has one, or in the room of the breach from which it was sent."""
    run = await runs.load(site_of(request).context, run_id)
    return f"/breach/{run.incident}" if run.incident and request.query_params.get("page") == "breach" else _page(run)


def _page(run: Run) -> str:
    return f"/incidents/{run.incident}" if run.incident else f"/runs/{run.id}"


@router.post("/runs/{run_id}/approval")
async def approve(request: Request, run_id: str) -> Response:
    """Approve a remedy exactly as it was shown."""
    site = site_of(request)

    async def deed(context: Context, fields: Fields, who: str) -> str:
        digest = wanted(fields, "digest", "what you were shown")
        option = wanted(fields, "option", "the remedy")
        run = await runs.load(context, run_id)
        await may_approve(request, run, option)
        offer = run.option(option)
        title = offer.option.title if offer else option
        if site.frozen() and not (offer and offer.approved_by):
            raise CommandError(f"changes are stopped: {site.frozen()}; `hutch thaw` allows them again")
        if offer and offer.option.effect is Effect.DESTROY and fields.get("certain") != "yes":
            raise CommandError(f"“{title}” loses data: tick that you know it")
        await runs.approve(context, run_id, option, who, digest=digest, proved=person_of(request).proved)
        return f"You approved “{title}” as {who}."

    return await do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/denial")
async def decline(request: Request, run_id: str) -> Response:
    """Decline a remedy, with or without a reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        reason = fields.get("reason", "")[:LONGEST] or f"declined by {who}"
        await runs.deny(context, run_id, wanted(fields, "option", "the remedy"), reason, who)
        return "You declined it."

    return await do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/decision")
async def decide(request: Request, run_id: str) -> Response:
    """Say whether a change worked that verification could not judge."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        choice = fields.get("choice", "")
        if choice not in ("worked", "failed"):
            raise CommandError("say whether it worked or failed")
        option = wanted(fields, "option", "the remedy")
        await runs.settle(context, run_id, option, choice, fields.get("note", "")[:LONGEST], who)
        return f"You said that it {choice}."

    return await do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/ticks")
async def tick(request: Request, run_id: str) -> Response:
    """Say that a step was done by hand, or could not be."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        done = fields.get("done", "yes") == "yes"
        note = fields.get("note", "")
        await byhand.tick(context, run_id, wanted(fields, "item", "the step"), note, who, done=done)
        return "Ticked off." if done else "It is said that it could not be done."

    return await do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/undo")
async def undo(request: Request, run_id: str) -> Response:
    """Offer the way back from what a remedy did: a run of its own, whose change waits for approval."""

    async def deed(context: Context, fields: Fields, who: str) -> Went:
        begun = await byhand.undo(context, run_id, wanted(fields, "option", "the remedy"), who)
        return Went("The way back is offered here. It waits for approval.", f"/runs/{begun.id}")

    return await do(request, await _page_of(request, run_id), deed)


@router.post("/runs/{run_id}/cancellation")
async def cancel(request: Request, run_id: str) -> Response:
    """Start nothing further in a run, with the reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await runs.cancel(context, run_id, wanted(fields, "reason", "the reason"), who)
        return "The run is cancelled: nothing further is started, what was done stays."

    return await do(request, await _page_of(request, run_id), deed)

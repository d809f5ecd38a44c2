"""``hutch todo``: action items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import click

from hutch.cli.shell import actor, ago, as_json, emit, table, with_context
from hutch.commands import todo as commands
from hutch.commands import upkeep
from hutch.commands.context import Context
from hutch.commands.times import by
from hutch.commands.todo import Listed, Wanted
from hutch.model.event import instant
from hutch.review.wording import one_line


@click.group()
def todo() -> None:
    """Action items of incidents: who does what by when."""


@todo.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are done or dropped too.")
@click.option("--owner", default="", help="Only what this person or team does.")
@as_json
def list_(everything: bool, owner: str, json_out: bool) -> None:
    """What is still to be done, the first due on top."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        found = await commands.listing(context, everything=everything, owner=owner)
        books = [r for r in await upkeep.listed(context, everything=everything) if owner in ("", r.owner)]
        recurring = [_recurring(r, now) for r in books]
        return recurring + [
            {**as_data(f), "when": ago(f.item.due, now), "overdue": f.item.open and f.item.due <= now} for f in found
        ]

    rows = with_context(go)
    if json_out:
        emit(rows)
        return
    shown = [
        {**r, "due": ("OVERDUE, " if r["overdue"] else "") + r["when"], "text": one_line(r["text"], 70)} for r in rows
    ]
    table(shown, ["id", "due", "owner", "state", "text", "link"], "nothing to do")


@todo.command()
@click.argument("incident_id")
@click.argument("text")
@click.option("--owner", required=True, help="The person or team who does it.")
@click.option(
    "--due", required=True, help="A length of time ahead (14d), or a date (2026-01-31): by the end of that day."
)
@click.option("--link", default="", help="Where the team follows it up: a ticket, a pull request.")
@as_json
def add(incident_id: str, text: str, owner: str, due: str, link: str, json_out: bool) -> None:
    """Add an action item to an incident."""

    async def go(context: Context) -> Listed:
        when = by(due, context.clock.now(), context.config.calendar, "--due")
        return await commands.add(context, incident_id, Wanted(text, owner, when, link), actor())

    _say(go, json_out)


@todo.command()
@click.argument("item_id")
@click.option("--owner", default=None, help="Who does it now.")
@click.option("--due", default="", help="When it is due now.")
@click.option("--link", default=None, help="Where it is followed up now.")
@as_json
def move(item_id: str, owner: str | None, due: str, link: str | None, json_out: bool) -> None:
    """Give ITEM_ID (INC-2026-001/2) another owner, due time or link."""

    async def go(context: Context) -> Listed:
        when = by(due, context.clock.now(), context.config.calendar, "--due") if due else None
        return await commands.move(context, item_id, Wanted(None, owner, when, link), actor())

    _say(go, json_out)


@todo.command()
@click.argument("item_id")
@click.option("--note", default="", help="What was done.")
@as_json
def done(item_id: str, note: str, json_out: bool) -> None:
    """ITEM_ID (INC-2026-001/2) is done; of a runbook's review (runbook:NAME) the next one is due after its schedule."""
    if item_id.startswith(upkeep.PREFIX):
        found = with_context(lambda c: upkeep.reviewed(c, item_id, note, actor()))
        row = _recurring(found, found.since)
        emit(row) if json_out else click.echo(f"{found.id}  {one_line(found.owner)}  due {found.due:%Y-%m-%d} again")
        return
    _say(lambda c: commands.done(c, item_id, note, actor()), json_out)


@todo.command()
@click.argument("item_id")
@click.option("--reason", default="", help="Why it will not be done.")
@as_json
def drop(item_id: str, reason: str, json_out: bool) -> None:
    """ITEM_ID (INC-2026-001/2) will not be done, and why."""
    _say(lambda c: commands.drop(c, item_id, reason, actor()), json_out)


def _recurring(review: upkeep.Review, now: datetime) -> dict[str, Any]:
    """A runbook's review, in the form of an action item."""
    return {
        "id": review.id,
        "incident": None,
        "service": None,
        "text": f"review the runbook {review.document} ({review.schedule})",
        "owner": review.owner,
        "due": instant(review.due),
        "state": "open",
        "link": "",
        "note": "",
        "ended_at": None,
        "when": ago(review.due, now),
        "overdue": review.due <= now,
    }


def _say(work: Callable[[Context], Awaitable[Listed]], json_out: bool) -> None:
    found = with_context(work)
    if json_out:
        emit(as_data(found))
        return
    item = found.item
    due = f"due {item.due:%Y-%m-%d %H:%M} UTC" if item.open else str(item.state)
    click.echo(f"{found.id}  {one_line(item.owner)}  {due}  {one_line(item.text)}")


def as_data(found: Listed) -> dict[str, Any]:
    """An action item as JSON."""
    item = found.item
    return {
        "id": found.id,
        "incident": found.incident.id,
        "service": found.incident.service,
        "text": item.text,
        "owner": item.owner,
        "due": instant(item.due),
        "state": str(item.state),
        "link": item.link,
        "note": item.note,
        "ended_at": instant(item.ended_at) if item.ended_at else None,
    }

"""``hutch status``: the public page as it stands, and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hutch.cli.main import resolve
from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands import statuspage as commands
from hutch.commands import subscribers
from hutch.commands.context import Context
from hutch.model.action import Outcome, Result
from hutch.model.event import instant
from hutch.model.statuspage import Page

UNREACHABLE, FAILED = 5, 1


@click.group()
def status() -> None:
    """The public status page: what customers see, and its files."""


@status.command()
@as_json
def show(json_out: bool) -> None:
    """What the public page says now: the whole, each component, and what is open."""
    page = with_context(commands.current)
    if json_out:
        emit(_as_dict(page))
        return
    click.echo(f"{page.config.title}: {page.headline}")
    rows = [{**row, "uptime": shown.uptime_text} for row, shown in zip(_components(page), page.shown, strict=True)]
    table(rows, ["name", "condition", "uptime"], "")
    for notice in page.notices:
        if notice.open:
            click.echo(f"open since {notice.began:%Y-%m-%d %H:%M} UTC: {notice.name} ({notice.state})")


@status.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@as_json
def render(folder: Path | None, json_out: bool) -> None:
    """Write the page's files into FOLDER, or into status_page.folder: for a plain web server, or a bucket."""
    kept: Any = resolve("hutch.web.kept")

    async def go(context: Context) -> tuple[Path, int]:
        place = folder or Path(commands.folder_of(context))
        return place, await kept.Keeper(context, place).keep()

    place, changed = with_context(go)
    told = {"folder": str(place), "changed": changed}
    emit(told) if json_out else click.echo(f"{place}: {changed} file{'' if changed == 1 else 's'} written")


@status.command("subscribers")
@as_json
def subscribers_(json_out: bool) -> None:
    """Who is told of the page's updates by mail or webhook, and what became of the last message."""
    rows = with_context(subscribers.listing)
    columns = ["id", "kind", "address", "confirmed", "last"]
    emit(rows) if json_out else table(rows, columns, "nobody has subscribed")


@status.command("test")
@click.argument("subscriber")
@as_json
@click.pass_context
def test(ctx: click.Context, subscriber: str, json_out: bool) -> None:
    """Send one test message to SUBSCRIBER, an id or an address, now.

    Exit code 5: it cannot be reached; 1: it takes no message.
    """
    outcome: Outcome = with_context(lambda c: subscribers.test(c, subscriber, actor()))
    done = outcome.result is Result.DONE
    if json_out:
        emit({"subscriber": subscriber, "delivered": done, "said": outcome.summary, "seconds": outcome.seconds})
    else:
        click.echo(f"{subscriber}: {outcome.summary}", err=not done)
    ctx.exit(0 if done else UNREACHABLE if outcome.recoverable else FAILED)


@status.command("remove")
@click.argument("subscriber")
@as_json
def remove(subscriber: str, json_out: bool) -> None:
    """Forget SUBSCRIBER, an id or an address: nothing further is sent there, and the address is erased from the log.

    They may subscribe again by themselves.
    """
    gone = with_context(lambda c: subscribers.remove(c, subscriber, actor()))
    emit({"subscriber": gone.id, "removed": True}) if json_out else click.echo(f"{gone.id} is forgotten")


def _components(page: Page) -> list[dict[str, Any]]:
    return [{"name": s.component.name, "condition": s.condition.value, "uptime": s.uptime} for s in page.shown]


def _as_dict(page: Page) -> dict[str, Any]:
    return {
        "title": page.config.title,
        "indicator": page.impact.value,
        "headline": page.headline,
        "components": _components(page),
        "open": [
            {"id": n.id, "name": n.name, "state": n.state, "impact": n.impact.value, "began": instant(n.began)}
            for n in page.notices
            if n.open
        ],
        "planned": [
            {"id": p.id, "name": p.name, "state": p.state(page.at), "starts_at": instant(p.starts),
             "ends_at": instant(p.ends)}
            for p in page.planned
        ],
    }  # fmt: skip

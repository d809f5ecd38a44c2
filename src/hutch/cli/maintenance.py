"""``hutch maintenance``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hutch.cli.lengths import length
from hutch.cli.shell import actor, ago, as_json, emit, table, with_context
from hutch.commands import maintenance as commands
from hutch.commands.context import CommandError, Context
from hutch.model.event import instant, parse_instant
from hutch.model.quiet import Maintenance


@click.group()
def maintenance() -> None:
    """Planned work, in which alerts are held back."""


@maintenance.command()
@click.argument("name")
@click.option("--service", default="", help="The service; without it all.")
@click.option("--from", "starts", default="", metavar="TIME", help="As 2026-02-01T02:00:00Z; without it now.")
@click.option("--to", "ends", default="", metavar="TIME", help="When it ends.")
@click.option("--for", "lasts", default="", help="Instead of --to: how long, as 30m, 2h, 1d.")
@click.option("--public", is_flag=True, help="Tell of it on the status page.")
@as_json
def add(name: str, service: str, starts: str, ends: str, lasts: str, public: bool, json_out: bool) -> None:
    """Plan a window: what fires in it is recorded and held back, and what still fires at its end is let go."""

    async def go(context: Context) -> dict[str, Any]:
        now = context.clock.now()
        begin, end = _times(now, starts, ends, lasts)
        return _row(await commands.add(context, name, service, begin, end, actor(), public=public), now)

    row = with_context(go)
    emit(row) if json_out else click.echo(f"{row['id']} from {row['starts_at']} to {row['ends_at']}")


@maintenance.command("list")
@as_json
def list_(json_out: bool) -> None:
    """The windows that are open or still to come: of `hutch.yaml`, and those that were added."""

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        return [_row(found, now) for found in await commands.listing(context)]

    rows = with_context(go)
    columns = ["id", "name", "service", "state", "starts_at", "ends_at", "by"]
    emit(rows) if json_out else table(rows, columns, "nothing is planned")


@maintenance.command()
@click.argument("window_id")
@as_json
def end(window_id: str, json_out: bool) -> None:
    """End a window now, or call it off; what it still holds back is let go."""
    with_context(lambda context: commands.end(context, window_id, actor()))
    emit({"id": window_id, "state": "over"}) if json_out else click.echo(f"{window_id} is over")


def _row(found: Maintenance, now: datetime) -> dict[str, Any]:
    window = found.window(now)
    assert window is not None
    return {
        "id": found.id,
        "name": found.name,
        "service": found.service,
        "state": "open" if window[0] <= now else f"begins in {ago(window[0], now).removesuffix(' ago')}",
        "open": window[0] <= now,
        "starts_at": instant(window[0]),
        "ends_at": instant(window[1]),
        "by": found.by or "hutch.yaml",
        "public": found.public,
    }


def _times(now: datetime, starts: str, ends: str, lasts: str) -> tuple[datetime, datetime]:
    if bool(ends) == bool(lasts):
        raise CommandError("say when it ends: either --for 2h or --to 2026-02-01T04:00:00Z", 2)
    begin = _time("--from", starts) if starts else now
    return begin, _time("--to", ends) if ends else begin + length(lasts)


def _time(option: str, text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}", 2) from error

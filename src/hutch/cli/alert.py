"""``hutch alert``."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.shell import as_json, emit, table, with_context
from hutch.commands import incidents
from hutch.commands.context import Context


@click.group()
def alert() -> None:
    """What has fired."""


@alert.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Every alert, with its incident."""

    async def go(context: Context) -> list[dict[str, Any]]:
        rows = []
        for state in await incidents.listing(context):
            for event in await context.store.read(state.stream):
                if event.kind == "alert.fired":
                    firing = event.data["key"] in state.open_alerts
                    row = {k: event.data.get(k) for k in ("rule", "severity", "value", "starts_at", "summary", "key")}
                    rows.append({**row, "incident": state.id, "state": "firing" if firing else "resolved"})
        return rows

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["rule", "severity", "state", "starts_at", "incident", "summary"], "nothing has fired"
    )

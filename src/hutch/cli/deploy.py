"""``hutch deploy``: what was deployed when."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from hutch.cli.shell import as_json, emit, service_option, table, with_context
from hutch.commands.context import Context
from hutch.model.event import instant


@click.group()
def deploy() -> None:
    """Deployments of a service."""


@deploy.command("list")
@service_option
@as_json
def list_(service: str, json_out: bool) -> None:
    """Recent changes of the service, the newest first."""

    async def go(context: Context) -> list[dict[str, Any]]:
        sources = [c.changes() for c in context.service(service).connections.values() if c.changes]
        found = [change for changes in await asyncio.gather(*sources) for change in changes]
        return [
            {"kind": c.kind, "id": c.id, "at": instant(c.at), "previous": c.previous, "summary": c.summary}
            for c in sorted(found, key=lambda c: c.at, reverse=True)
        ]

    rows = with_context(go)
    emit(rows) if json_out else table(rows, ["at", "kind", "id", "previous", "summary"], "no deployment known")

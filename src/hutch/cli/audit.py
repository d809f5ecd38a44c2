"""``hutch audit``: sign-ins, grants, refusals and approvals, out of the log."""

from __future__ import annotations

from datetime import timedelta

import click

from hutch.cli.shell import as_json, emit, table, with_context
from hutch.commands.access import audit as commands
from hutch.commands.context import Context


@click.command()
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How far back.")
@as_json
def audit(days: int, json_out: bool) -> None:
    """Who signed in, was refused, was let in to what, and approved what; the newest first."""

    async def work(context: Context) -> list[dict[str, object]]:
        found = await commands.since(context, context.clock.now() - timedelta(days=days))
        return [{"at": a.isoformat(), "actor": w, "kind": k, "stream": s, "data": d} for a, w, k, s, d in found]

    rows = with_context(work)
    if json_out:
        emit(rows)
        return
    told = [{**r, "about": _about(r["data"])} for r in rows]
    table(told, ["at", "actor", "kind", "stream", "about"], "nothing of that kind was recorded")


def _about(data: object) -> str:
    assert isinstance(data, dict)
    return " ".join(f"{k}={v}" for k, v in data.items() if v not in ("", None, False, []))[:160]

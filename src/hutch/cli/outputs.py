"""``hutch runs output``: all that a statement said, as far as it is kept."""

from __future__ import annotations

import asyncio
import sys

import click

from hutch.cli.progress import EVERY, safe
from hutch.cli.shell import as_json, emit, with_context
from hutch.commands import outputs
from hutch.commands.context import Context


@click.command()
@click.argument("run_id")
@click.argument("item")
@click.option("--follow", is_flag=True, help="Go on until the statement has ended.")
@as_json
def output(run_id: str, item: str, follow: bool, json_out: bool) -> None:
    """What the statement ITEM (its id or line) of a run said, masked; the journal holds only its end."""

    async def go(context: Context) -> outputs.Said:
        shown = 0
        while True:
            found = await outputs.said(context, run_id, item)
            if not json_out:
                shown = _show(found.text, shown)
            if found.over or not follow:
                return found
            await asyncio.sleep(EVERY)

    found = with_context(go)
    if json_out:
        emit(
            {
                "run": run_id,
                "item": found.item.id,
                "line": found.item.line,
                "over": found.over,
                "path": str(found.path) if found.path else None,
                "output": found.text,
            }
        )


def _show(text: str, shown: int) -> int:
    """Print what is new. A terminal gets no control characters; a file or pipe gets the text as it is."""
    new = text[shown:] if len(text) >= shown else text
    if new and sys.stdout.isatty():
        new = "".join(f"{safe(line)}\n" for line in new.splitlines())
    click.echo(new, nl=False)
    return len(text)

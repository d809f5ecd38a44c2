"""``hutch freeze`` and ``hutch thaw``."""

from __future__ import annotations

import click

from hutch.cli.shell import actor, with_context
from hutch.commands import freeze as commands
from hutch.commands.context import Context


@click.command()
@click.argument("reason")
def freeze(reason: str) -> None:
    """Stop every change at once, in every process on this store, until `hutch thaw`."""

    async def go(context: Context) -> None:
        await commands.freeze(context, reason, actor())

    with_context(go)
    click.echo("frozen: nothing is changed until `hutch thaw`")


@click.command()
def thaw() -> None:
    """Allow changes again."""

    async def go(context: Context) -> bool:
        return await commands.thaw(context, actor())

    click.echo("changes are allowed again" if with_context(go) else "nothing was frozen")

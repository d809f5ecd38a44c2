"""``hutch mcp``: Hutch as tools for an assistant, over standard input and output, or over HTTP."""

from __future__ import annotations

from importlib.util import find_spec

import click

from hutch.cli.main import resolve
from hutch.cli.places import place_of
from hutch.cli.shell import actor, with_context
from hutch.commands.access import audit
from hutch.commands.context import CommandError, Context


@click.command()
@click.option(
    "--http", "place", default="", metavar="HOST:PORT", help="Over HTTP at /mcp instead; each request needs a token."
)
def mcp(place: str) -> None:
    """Let an assistant look at incidents, runbooks, signals and logs, diagnose, and propose; never approve or apply.

    Without --http it speaks the Model Context Protocol on standard input and output, as assistants start it.
    """
    if find_spec("mcp") is None:
        raise CommandError("hutch mcp needs the protocol's SDK: pip install 'hutch[assistants]'", 2)
    assistants = resolve("hutch.web.assistants")
    if not place:
        with_context(lambda context: assistants.over_stdio(context, actor()), machine=True)
        return
    port, host = place_of("--http", place, "127.0.0.1")

    async def go(context: Context) -> None:
        if not await audit.accounts(context).any():
            raise CommandError("over HTTP an assistant needs a token, and nobody can have one yet: hutch user add", 2)
        with resolve("hutch.web.server").listen(port, host) as listener:
            where, number = listener.getsockname()[:2]
            click.echo(f"http://{f'[{where}]' if ':' in where else where}:{number}/mcp", err=True)
            await assistants.over_http(context, listener)

    with_context(go, machine=True)

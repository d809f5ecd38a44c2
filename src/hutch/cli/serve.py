"""``hutch serve``: watch, answer, and offer the pages and the API on loopback."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import click

from hutch.cli.main import resolve
from hutch.cli.shell import with_context
from hutch.commands.context import Context


@click.command()
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535), help="On 127.0.0.1; 0: any.")
def serve(port: int) -> None:
    """Watch the services, answer incidents with their runbooks, and offer live pages and the JSON API on 127.0.0.1."""
    server = resolve("hutch.web.server")
    listener = server.listen(port)
    with_context(lambda context: _serve(server, context, listener))


async def _serve(server: Any, context: Context, listener: Any) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    click.echo(f"Hutch serves {address}/  ({context.config.mode} mode; JSON API at {address}/api/v1)", err=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server.serving(context, listener):
        await stop.wait()

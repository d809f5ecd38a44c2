"""``hutch serve``: watch, answer, and offer the pages and the API on loopback."""

from __future__ import annotations

from typing import Any

import click

from hutch.bootstrap import heap
from hutch.bootstrap.stores import Place
from hutch.bootstrap.stores import place_of as store_of
from hutch.bootstrap.wire import read_config
from hutch.cli.aside import while_ours
from hutch.cli.main import resolve
from hutch.cli.places import place_of
from hutch.cli.shell import config_path, with_context
from hutch.cli.signals import stop_signals
from hutch.commands.access import people
from hutch.commands.context import CommandError, Context
from hutch.commands.drills import own
from hutch.model.accessing import refusal

ANYWHERE = "0.0.0.0"  # noqa: S104  (asked for; what is offered there is made for it)


@click.command()
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535), help="0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond loopback only where people sign in.")
@click.option(
    "--ingest",
    "intake",
    default="",
    metavar="HOST:PORT",
    help="Take alerts, PagerDuty's webhooks and the links of pages here too, and nothing else: may be reached from "
    "elsewhere, each source needs a token or secret.",
)
@click.option("--status", "public", default="", metavar="HOST:PORT",
              help="Offer the public status page here, and nothing else: may be reached from anywhere.")  # fmt: skip
def serve(port: int, host: str, intake: str, public: str) -> None:
    """Watch the services, answer incidents with their runbooks, and offer live pages and the JSON API.

    SIGTERM or Ctrl-C lets the statements that are under way end; after 20 seconds, or the second time, they are broken
    off.
    """
    server = resolve("hutch.web.server")
    path = config_path()
    config = read_config(path)[0]
    store = store_of(config, path.resolve().parent)
    if reason := refusal(host, config.access):
        raise CommandError(reason, 2)
    listener = server.listen(port, host)
    place = server.listen(*place_of("--ingest", intake, ANYWHERE)) if intake else None
    page = server.listen(*place_of("--status", public, ANYWHERE)) if public else None
    with_context(lambda context: _serve(server, context, store, listener, place, page), machine=True)


def _local(name: tuple[str, int]) -> str:
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(server: Any, context: Context, store: Place, listener: Any, intake: Any, public: Any) -> None:
    stop, at_once = stop_signals()
    await _heal(context)
    async with while_ours(store, stop), server.serving(context, listener, intake, at_once, public):
        await _say(context, listener, intake, public)
        heap.steady()
        await stop.wait()


async def _heal(context: Context) -> None:
    """Undo what a drill left in a service of our own when everything was killed; said, and no reason not to serve."""
    try:
        for record in await own.healed(own.records_of(context)):
            click.echo(f"a drill was left standing: {own.words(record)}", err=True)
    except CommandError as error:
        click.echo(f"a drill may be left standing: {error}", err=True)


async def _say(context: Context, listener: Any, intake: Any, public: Any) -> None:
    """What is offered where: said once nothing of it was refused."""
    address = context.config.access.url or _local(listener.getsockname())
    click.echo(f"Hutch serves {address}/  ({context.config.mode} mode; JSON API at {address}/api/v1)", err=True)
    if intake:
        host, number = intake.getsockname()[:2]
        click.echo(f"Alerts are taken at http://{host}:{number}/api/v1/ingest/SOURCE and /v2/enqueue", err=True)
    if public:
        host, number = public.getsockname()[:2]
        click.echo(f"The status page is at http://{host}:{number}/", err=True)
    if context.config.access.always and (secret := await people.first_link(context)):
        good_for = int(people.GOOD_FOR.total_seconds() // 60)
        click.echo(f"Make the first admin, once, within {good_for} min: {address}/first/{secret}", err=True)

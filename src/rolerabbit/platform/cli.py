"""`rolerabbit platform …`: run the platform, and ask it for things."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rolerabbit.platform.client import Client, ClientError
from rolerabbit.platform.settings import FIRST_RELEASE, MAX_POOL_SIZE, MAX_REPLICAS, READY_SECONDS, Settings

Port = click.IntRange(0, 65535)
COMPONENTS = ("postgres", "redis")
FilePath = click.Path(path_type=Path, dir_okay=False)


@click.group()
def platform() -> None:
    """The laptop's deploy platform: releases as real processes on one socket, with a real Postgres."""


@platform.command()
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for everything.")
@click.option("--port", default=0, type=Port, show_default=True, help="The platform's own API; 0 takes a free port.")
@click.option("--app-port", default=0, type=Port, show_default=True, help="The service; 0 takes a free port.")
@click.option("--max-connections", default=40, type=click.IntRange(15, 500), show_default=True)
@click.option("--replicas", default=2, type=click.IntRange(1, MAX_REPLICAS), show_default=True)
@click.option("--pool-size", type=click.IntRange(1, MAX_POOL_SIZE), help="Connections a replica; default: what fits.")
@click.option("--release", default=FIRST_RELEASE, show_default=True, help="Id of the first release.")
@click.option("--ready-file", required=True, type=FilePath, help="Written (0600) once the service is healthy.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="NAME=ID", help="A variable from Secrets Manager; may repeat."
)
@click.option("--secrets-endpoint", default="", help="Its address, where it is not Amazon's own.")
@click.option(
    "--ready-within", type=click.FloatRange(1, 600), default=READY_SECONDS, show_default=True,
    help="Seconds that a replica has to become ready; a slow machine needs more.",
)  # fmt: skip
@click.option("--exit-on-eof", is_flag=True, help="Stop when standard input ends, as when the starting process dies.")
def run(
    data: Path,
    port: int,
    app_port: int,
    max_connections: int,
    replicas: int,
    pool_size: int | None,
    release: str,
    ready_file: Path,
    secrets: tuple[str, ...],
    secrets_endpoint: str,
    ready_within: float,
    exit_on_eof: bool,
) -> None:
    """Run until SIGTERM or Ctrl-C; replicas and database end with it."""
    from rolerabbit.platform.run import Failed  # noqa: PLC0415
    from rolerabbit.platform.run import run as run_platform  # noqa: PLC0415

    settings = Settings(
        data.absolute(), ready_file.absolute(), port, app_port, max_connections, replicas, pool_size, release,
        pairs(secrets, "--secret"), secrets_endpoint, ready_within,
    )  # fmt: skip
    try:
        asyncio.run(run_platform(settings, exit_on_eof))
    except Failed as error:
        raise click.ClickException(str(error)) from error


def asks(command: Callable[..., Any]) -> click.Command:
    """A command that asks a running platform: it gets a Client, and what it returns is printed as JSON."""

    @click.option("--ready-file", envvar="RR_PLATFORM_READY_FILE", type=FilePath, help="That of the platform's run.")
    @click.option("--url", envvar="RR_PLATFORM_URL", help="Instead of --ready-file; the token from RR_PLATFORM_TOKEN.")
    @click.option("--token", envvar="RR_PLATFORM_TOKEN", help="Better given by the environment: arguments are seen.")
    def asking(ready_file: Path | None, url: str | None, token: str | None, **arguments: Any) -> None:
        try:
            answer = command(client_for(ready_file, url, token), **arguments)
        except ClientError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(5 if error.unreachable else 1)
        click.echo(json.dumps(answer, indent=2))

    asking.__doc__ = command.__doc__
    asking.__click_params__ = [*asking.__click_params__, *getattr(command, "__click_params__", [])]  # type: ignore[attr-defined]
    return platform.command(command.__name__)(asking)


def client_for(ready_file: Path | None, url: str | None, token: str | None) -> Client:
    """By the ready file, or by address and token; a usage error when neither is given."""
    if url:
        return Client(url, token or "")
    if ready_file is None:
        raise click.UsageError("name the platform: --ready-file PATH, or --url URL with RR_PLATFORM_TOKEN set")
    return Client.of_ready_file(ready_file)


@asks
def releases(client: Client) -> Any:
    """List the releases."""
    return client.get("/releases")


@asks
@click.argument("release")
@click.option("--note", default="", help="Kept with the release.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Environment of the release; may repeat.")
def register(client: Client, release: str, note: str, env: tuple[str, ...]) -> Any:
    """Register a release, to be deployed later."""
    return client.post("/releases", {"id": release, "note": note, "env": pairs(env, "--env")})


def pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    """`NAME=VALUE`, as often as it was given; a usage error where one is none."""
    bad = next((pair for pair in given if "=" not in pair), None)
    if bad is not None:
        raise click.UsageError(f"{option} {bad}: expected NAME=VALUE")
    return dict(pair.split("=", 1) for pair in given)


@asks
@click.argument("release")
def deploy(client: Client, release: str) -> Any:
    """Deploy a registered release."""
    return client.post("/deployments", {"release": release})


@asks
@click.option("--to", help="The release to go back to; default: the one before the current.")
def rollback(client: Client, to: str | None) -> Any:
    """Go back to an earlier release."""
    return client.post("/rollback", {"to": to})


@asks
@click.option("--component", type=click.Choice(["service", *COMPONENTS]), default="service", show_default=True)
def restart(client: Client, component: str) -> Any:
    """Replace every replica without a gap, or restart a server beside them; one that is stopped is started."""
    return client.post("/restart", {"component": component})


@asks
@click.argument("component", type=click.Choice(COMPONENTS))
def stop(client: Client, component: str) -> Any:
    """Stop a server on purpose: it stays down until it is started."""
    return client.post(f"/components/{component}/stop")


@asks
@click.argument("component", type=click.Choice(COMPONENTS))
def start(client: Client, component: str) -> Any:
    """Start a server unless it runs."""
    return client.post(f"/components/{component}/start")


@asks
@click.argument("replicas", type=int)
@click.option("--pool-size", type=int, help="Connections of each replica.")
@click.option("--cache-seconds", type=int, help="How long each keeps what everybody may see; 0: not at all.")
def scale(client: Client, replicas: int, pool_size: int | None, cache_seconds: int | None) -> Any:
    """Run this many replicas."""
    return client.post("/scale", {"replicas": replicas, "pool_size": pool_size, "cache_seconds": cache_seconds})


@asks
@click.option("--since", help="ISO 8601, or how long ago: 90s, 5m, 1h.")
@click.option("--grep", default="", help="Plain text, in any case of letters.")
@click.option("--level", help="debug, info, warning, error or critical.")
@click.option("--user", help="A user's id.")
@click.option("--limit", default=200, show_default=True)
def logs(client: Client, **query: Any) -> Any:
    """Search the replicas' log lines."""
    return client.get("/logs", **query)


@asks
def keys(client: Client) -> Any:
    """Show the key rings: which key signs, which verify, how many profiles each has sealed. No values."""
    return client.get("/keys")


@asks
@click.argument("secret", type=click.Choice(["jwt", "encryption"]))
def rotate(client: Client, secret: str) -> Any:
    """A new key signs, those before it still verify; every replica is replaced without a gap."""
    return client.post("/keys", {"secret": secret})


@asks
@click.argument("secret", type=click.Choice(["jwt", "encryption"]))
def retire(client: Client, secret: str) -> Any:
    """Turn off the keys that were replaced. Refused while something is still sealed with one of them."""
    return client.post("/keys/retire", {"secret": secret})


@asks
def status(client: Client) -> Any:
    """Show the replicas and the release that runs."""
    return client.get("/status")

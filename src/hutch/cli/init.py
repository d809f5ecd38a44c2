"""``hutch init``: a first configuration."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hutch.cli.shell import config_path
from hutch.commands import scaffold
from hutch.commands.context import CommandError


@click.command()
@click.option("--service", default="", help="What the service is called; default: the folder's name.")
@click.option("--url", default="", help="Its base URL.")
@click.option("--database-env", default="", help="The environment variable with its database's URL.")
@click.option("--redis-env", default="", help="The environment variable with its Redis' URL.")
@click.option("--runbooks", default="runbooks", show_default=True, help="The folder of your Markdown runbooks.")
@click.option("--force", is_flag=True, help="Write hutch.yaml anew where there is one; runbooks are never overwritten.")
def init(service: str, url: str, database_env: str, redis_env: str, runbooks: str, force: bool) -> None:
    """Write a first hutch.yaml, in observe mode, and a first runbook.

    DATABASE_URL and REDIS_URL are taken up by name where they are set. No secret is read or written.
    """
    path = config_path().absolute()
    wish = scaffold.Wish(
        service or _called(path.parent),
        url,
        database_env or _set("DATABASE_URL"),
        redis_env or _set("REDIS_URL"),
        runbooks,
    )
    faults = wish.faults()
    if faults:
        raise CommandError("; ".join(faults), 2)
    try:
        written = scaffold.write(path, wish, force=force)
    except FileExistsError as error:
        raise CommandError(f"{error.args[0]} exists: edit it, or write it anew with --force") from error
    except OSError as error:
        raise CommandError(f"{error.filename}: cannot be written: {error.strerror}") from error
    click.echo("\n".join(scaffold.next_steps([_short(p) for p in written], wish)))


def _called(folder: Path) -> str:
    """The folder's name, as far as a service may be called so."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name.lower()).strip("-")
    return name.lstrip("0123456789-")[:63] or "service"


def _set(name: str) -> str:
    return name if os.environ.get(name) else ""


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path

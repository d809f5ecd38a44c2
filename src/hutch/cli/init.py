"""``hutch init``: a first configuration."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import click

from hutch.cli.shell import config_path
from hutch.commands import scaffold
from hutch.commands.context import CommandError
from hutch.commands.documents import bundled, load_document


@click.command()
@click.option("--service", default="", help="What the service is called; default: the folder's name.")
@click.option("--url", default="", help="Its base URL.")
@click.option("--database-env", default="", help="The environment variable with its database's URL.")
@click.option("--redis-env", default="", help="The environment variable with its Redis' URL.")
@click.option("--folder", default="runbooks", show_default=True, help="The folder of your Markdown runbooks.")
@click.option(
    "--runbooks",
    default=None,
    metavar="NAME,NAME|all|none",
    help="Runbooks of the library to copy there, for you to own. Without it a terminal asks; else one to fill in.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing.")
@click.option("--force", is_flag=True, help="Write hutch.yaml anew where there is one; runbooks are never overwritten.")
def init(
    service: str,
    url: str,
    database_env: str,
    redis_env: str,
    folder: str,
    runbooks: str | None,
    no_input: bool,
    force: bool,
) -> None:
    """Write a first hutch.yaml, in observe mode, and first runbooks; alert rules open them.

    DATABASE_URL and REDIS_URL are taken up by name where they are set. No secret is read or written.
    """
    path = config_path().absolute()
    if path.exists() and not force:
        raise _exists(path)
    wish = scaffold.Wish(
        service or _called(path.parent),
        url,
        database_env or _set("DATABASE_URL"),
        redis_env or _set("REDIS_URL"),
        folder,
        _chosen(runbooks, ask=not no_input and sys.stdin.isatty() and sys.stdout.isatty()),
    )
    faults = wish.faults()
    if faults:
        raise CommandError("; ".join(faults), 2)
    try:
        written = scaffold.write(path, wish, date.today(), force=force)
    except FileExistsError as error:
        raise _exists(error.args[0]) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: cannot be written: {error.strerror}") from error
    click.echo("\n".join(scaffold.next_steps([_short(p) for p in written], wish)))


def _exists(path: Path) -> CommandError:
    return CommandError(f"{path} exists: edit it, or write it anew with --force")


def _chosen(said: str | None, *, ask: bool) -> tuple[str, ...] | None:
    """The library's runbooks that are wanted; None where nobody was asked. A slip at the prompt is asked again."""
    known = list(bundled())
    if said is not None or not ask:
        return None if said is None else scaffold.chosen(said, known)
    click.echo("Which runbooks do you want to make your own? The others can be opened by name all the same.\n")
    for number, name in enumerate(known, 1):
        click.echo(f"  {number:>2}  {name:<20}  {load_document(name).title}")
    while True:
        answer = click.prompt("\nNames or numbers with commas, all, or none", default=scaffold.OUTAGE)
        try:
            return scaffold.chosen(answer, known)
        except CommandError as error:
            click.echo(str(error))


def _called(folder: Path) -> str:
    """The folder's name, as far as a service may be called so."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name.lower()).strip("-")
    return name.lstrip("0123456789-")[:63] or "service"


def _set(name: str) -> str:
    return name if os.environ.get(name) else ""


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path

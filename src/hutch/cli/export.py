"""``hutch incident export``: an incident's whole log, to keep or to hand on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from hutch.cli.shell import with_context
from hutch.commands import reviews
from hutch.commands.context import CommandError, Context
from hutch.model.event import instant
from hutch.review.timeline import Entry
from hutch.review.wording import escape

FORMS = ("markdown", "json", "bundle")


@click.command()
@click.argument("incident_id")
@click.option("--format", "form", type=click.Choice(FORMS), default="markdown", show_default=True,
              help="The timeline to read, as data, or the whole log with its proofs.")  # fmt: skip
@click.option("--out", default="", help="Write to this file, whole or not at all; else to stdout.")
def export(incident_id: str, form: str, out: str) -> None:
    """Everything of an incident in one file. `hutch verify FILE` proves a bundle, anywhere and offline."""

    async def go(context: Context) -> Iterable[str]:
        if form == "bundle":
            return await reviews.bundle(context, incident_id)
        entries = await reviews.timeline_of(context, incident_id)
        return _markdown(incident_id, entries) if form == "markdown" else [_json(entries)]

    lines = with_context(go)
    if not out:
        for line in lines:
            click.echo(line)
        return
    _write(Path(out), lines)
    click.echo(out)


def _markdown(incident_id: str, entries: Iterable[Entry]) -> Iterator[str]:
    yield from [f"# Timeline of {incident_id}", ""]
    for entry in entries:
        yield f"- {entry.at:%Y-%m-%d %H:%M:%S} UTC, {escape(entry.actor)}: {escape(entry.text)} ({entry.link})"


def _json(entries: Iterable[Entry]) -> str:
    rows = [{"at": instant(e.at), "actor": e.actor, "kind": e.kind, "text": e.text, "ref": e.link} for e in entries]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _write(path: Path, lines: Iterable[str]) -> None:
    half = path.with_name(f"{path.name}.new")
    try:
        with half.open("x", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        half.replace(path)
    except FileExistsError as error:
        raise CommandError(f"{half} is in the way: somebody writes there, or did; remove it", 1) from error
    except OSError as error:
        half.unlink(missing_ok=True)
        raise CommandError(f"cannot write {path}: {error.strerror}", 1) from error

"""``hutch incident attach | evidence | erase``: what was seen, kept by its content; and what must go."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hutch.cli.record import said
from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import erasing
from hutch.commands import evidence as commands
from hutch.commands.context import CommandError, Context
from hutch.model.incident import Incident


@click.command()
@click.argument("incident_id")
@click.argument("file")
@click.option("--note", default="", help="What it shows.")
@click.option("--name", default="", help="What it is called, where FILE is - (standard input).")
@as_json
def attach(incident_id: str, file: str, note: str, name: str, json_out: bool) -> None:
    """Keep FILE as evidence, by its content; - takes what is pasted or piped in. Known secrets in it are masked."""

    async def go(context: Context) -> Incident:
        data = _piped(context) if file == "-" else commands.read(context, Path(file))
        called = name or ("pasted.txt" if file == "-" else Path(file).name)
        state, found = await commands.attach(context, incident_id, called, data, note, actor())
        if found:
            click.echo(f"it may hold {', '.join(found)}; `hutch incident erase` takes it away again", err=True)
        return state

    said(with_context(go), json_out)


def _piped(context: Context) -> bytes:
    most = context.evidence.most if context.evidence else 0
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise CommandError(f"more than the {most} bytes that evidence_kept allows came in; nothing was attached", 2)
    return data


@click.command()
@click.argument("incident_id")
@click.argument("event", type=click.IntRange(1))
@click.option("--out", required=True, type=click.Path(), help="The file to write; one that is there is left alone.")
def evidence(incident_id: str, event: int, out: str) -> None:
    """Write the evidence that EVENT attached to a file; it is what its hash says, or nothing is written."""
    _, data = with_context(lambda c: commands.content(c, incident_id, event))
    try:
        with Path(out).open("xb") as file:
            file.write(data)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}", 2) from error
    click.echo(out)


@click.command()
@click.argument("incident_id")
@click.option("--event", type=click.IntRange(1), default=None, help="The event whose words go, by its number.")
@click.option("--field", "fields", multiple=True, help="Only this field of it; repeat it. Without: all its words.")
@click.option(
    "--attachment", type=click.IntRange(1), default=None, help="Instead: the evidence that this event attached."
)
@click.option("--text", default="", help="Instead: this text, wherever the incident has it; - reads it from stdin.")
@click.option("--reason", default="", help="Why: it stays in the log.")
@click.option("--dry-run", is_flag=True, help="Of --text: say what would go, and erase nothing.")
@as_json
def erase(
    incident_id: str,
    event: int | None,
    fields: Sequence[str],
    attachment: int | None,
    text: str,
    reason: str,
    dry_run: bool,
    json_out: bool,
) -> None:
    """Erase personal data for good; `hutch verify` goes on proving the rest, and says what went, by whom and why."""
    if [event is not None, attachment is not None, bool(text)].count(True) != 1 or (fields and event is None):
        raise click.UsageError("give either --event N, with or without --field, or --attachment N, or --text TEXT")
    if dry_run and not text:
        raise click.UsageError("--dry-run is of --text: --event and --attachment name what goes")
    if text:
        wanted = sys.stdin.readline().strip() if text == "-" else text
        _erase_text(incident_id, wanted, reason, dry_run, json_out)
        return

    async def go(context: Context) -> Incident:
        if attachment is not None:
            return await commands.erase_file(context, incident_id, attachment, reason, actor())
        seq = event or 0
        others = await commands.also_in(context, incident_id, seq, fields)
        state = await commands.erase_fields(context, incident_id, seq, fields, reason, actor())
        if others:
            click.echo(f"the same words stand in events {', '.join(map(str, others))} too", err=True)
        return state

    said(with_context(go), json_out)


def _erase_text(incident_id: str, text: str, reason: str, dry_run: bool, json_out: bool) -> None:
    if dry_run:
        found = with_context(lambda c: erasing.preview(c, incident_id, text))
    else:
        found = with_context(lambda c: erasing.erase_text(c, incident_id, text, reason, actor()))
    if json_out:
        emit(found.as_dict())
        return
    done = "would be erased" if dry_run else "erased"
    for stream, numbers in found.events.items():
        click.echo(f"{done} from {stream}: events {', '.join(map(str, numbers))}")
    for file in found.files:
        click.echo(f"{done} from {file}")
    if found.evidence:
        click.echo(f"evidence {done}: that of events {', '.join(map(str, found.evidence))}")
    if found.unsearched:
        left = ", ".join(map(str, found.unsearched))
        click.echo(f"the evidence of events {left} is no text and was not searched: look at it", err=True)

"""``hutch verify``: prove the event log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hutch.bootstrap.stores import is_store, place_of, proof, proof_of_copy
from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit, with_context
from hutch.commands.archive import proved
from hutch.commands.context import CommandError
from hutch.model.bundle import BundleError, read
from hutch.model.event import Break, Event, instant
from hutch.review.reading import Told
from hutch.review.sentences import sentence
from hutch.store.proof import Report

Proved = tuple[Sequence[Break], str, Sequence[Event]]
"""The breaks; what is said where there are none; and the events that say what was erased, by whom and why."""


@click.command()
@click.option("--archives", is_flag=True, help="Also read every archive that the log names, down to the texts.")
@click.argument("bundle", default="", metavar="[BUNDLE|BACKUP]")
@as_json
@click.pass_context
def verify(ctx: click.Context, archives: bool, bundle: str, json_out: bool) -> None:
    """Prove every stream's hash chain: the store's, or that of an exported BUNDLE or a BACKUP of Hutch's own (its
    folder, or the file in it), which needs no configuration.

    Events that lie in archives are proved by what the log keeps of them: how many, the first and the last hash, the
    archive's digest. Exit code 3 when a chain is broken, or with --archives an archive.
    """
    breaks, good, erased = _of_file(Path(bundle)) if bundle else _of_store()
    if archives and not bundle:
        breaks, good = [*breaks, *with_context(proved, machine=True)], f"{good}; so is every archive"
    if json_out:
        emit([{"stream": b.stream, "seq": b.seq, "reason": b.reason} for b in breaks])
    else:
        click.echo("\n".join(f"{b.stream}#{b.seq}: {b.reason}" for b in breaks) or good)
        for event in erased:
            click.echo(f"  {event.stream}  {instant(event.at)}  {sentence(Told(event))}")
    ctx.exit(3 if breaks else 0)


def _of_store() -> Proved:
    path = config_path()
    config, _ = read_config(path)
    found = proof(place_of(config, path.resolve().parent))
    return found.breaks, f"every chain is intact{_beside(found)}", found.told


def _beside(found: Report) -> str:
    """What lies in archives: by the hashes that are kept it is proved with the rest."""
    places = ", ".join(sorted({one.place for one in found.ranges}))
    streams = f"{len(found.ranges)} stream{'' if len(found.ranges) == 1 else 's'}"
    return f"; {found.archived} events of {streams} lie in archives in {places}" if found.ranges else ""


def _of_file(path: Path) -> Proved:
    if not is_store(path):
        return _of_bundle(path)
    found = proof_of_copy(path)
    good = f"every chain is intact: {found.events} events in {found.streams} streams{_beside(found)}"
    return found.breaks, good, found.told


def _of_bundle(path: Path) -> Proved:
    """Its breaks; and what is said where there are none: the last hashes, to be compared with the store's."""
    try:
        with path.open(encoding="utf-8") as lines:
            found = read(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no text'}", 2) from error
    except BundleError as error:
        raise CommandError(f"{path}: {error}", 2) from error
    heads = [f"  {name}  {count} events, last {last}" for name, (count, last) in found.heads.items()]
    good = "\n".join([f"{found.incident}: every chain is intact and whole", *heads])
    return found.breaks(), good, found.erasures()

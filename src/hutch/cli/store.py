"""``hutch store``: where the event log lives."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from hutch.bootstrap.keeping import restore as restored
from hutch.bootstrap.moving import move_store, source_of, target_of, what_to_set
from hutch.bootstrap.stores import VARIABLE, is_database, place_of
from hutch.bootstrap.wire import read_config
from hutch.cli.shell import actor, as_json, config_path, emit, with_context
from hutch.commands import freeze
from hutch.commands.context import CommandError
from hutch.store.carrying import LEFT
from hutch.store.moving import Moved

STAYS = "who has which duty (a lease is one process's), and the register of incidents, which is made anew from the log"
"""What lies beside the log, and must not move with it."""

EVERY = 0.5
"""Seconds between two lines of progress."""


@click.group()
def store() -> None:
    """Where the event log lives: a SQLite file, or Postgres."""


@store.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="PLACE",
    help="'$NAME' of a variable that holds postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or a folder.",
)
@as_json
def move(target: str, json_out: bool) -> None:
    """Copy the whole log and its jobs to an empty store: all of it or nothing, every chain proved at both ends.

    What lies beside the log is carried too, and proved: accounts with their sessions and tokens, what charts are drawn
    from (samples), what probes and rules saw last. The files in the store's folder (whole outputs of steps, evidence,
    drafts, a freeze) go along to another folder; to a database they stay in theirs, on this machine.

    Not carried: who has which duty, which is a lease of one process, and the register of incidents, which is made anew
    from the log.

    Refuses while a server or worker uses it. Cut off, it is given again: the same ends right. The old store stays as it
    is; Hutch refuses its file from then on.
    """
    path = config_path()
    here = place_of(read_config(path)[0], path.resolve().parent)
    new = target_of(_address(target), here)
    old = source_of(here, new)
    began = time.monotonic()
    done = move_store(old, new, Progress())
    seconds = round(time.monotonic() - began, 2)
    if json_out:
        emit(
            {
                "from": old.name,
                "to": new.name,
                **asdict(done),
                "seconds": seconds,
                "verified": True,
                "not_carried": list(LEFT),
            }
        )
        return
    word = "had moved before" if done.again else "moved"
    where = f"from {old.name} to {new.name}"
    click.echo(f"{word} {counted(done)}, {where} in {seconds:.1f} s; every chain is the same at both ends")
    beside = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in done.beside.items() if count)
    click.echo(f"beside the log: {'as it was moved then' if done.again else beside or 'nothing'}")
    click.echo(f"not carried: {STAYS}")
    click.echo(f"next: {what_to_set(new)}; then `hutch doctor`")


@store.command()
@click.argument("backup", type=click.Path(file_okay=False, path_type=Path))
@as_json
def restore(backup: Path, json_out: bool) -> None:
    """Make a store of a BACKUP that `hutch backup self` made, where the configuration says that the store is.

    That place must be empty, and nothing may work on it. Every chain is proved at both ends. What was done after the
    backup is not in it, so changes are frozen until `hutch thaw`: look first at the runs that are open.
    """
    path = config_path()
    here = place_of(read_config(path)[0], path.resolve().parent)
    done = restored(backup, here, Progress())
    reason = f"restored from {backup.name}: what was done after that backup is not in the log"
    with_context(lambda context: freeze.freeze(context, reason, actor()), machine=True)
    if json_out:
        emit({"backup": str(backup), "to": here.name, **asdict(done), "verified": True, "frozen": reason})
        return
    click.echo(f"restored {counted(done)} to {here.name}; every chain is the same at both ends")
    click.echo("changes are frozen: what was done after the backup is not in it")
    click.echo("next: `hutch runs list` for runs that were open then; decide or cancel them, then `hutch thaw`")


def counted(done: Moved) -> str:
    """What was copied, in words."""
    return f"{done.events} events in {done.streams} streams, and {done.jobs} jobs"


def _address(target: str) -> str:
    """``$NAME`` is read from the environment; a password never stands in an argument list."""
    if is_database(target) and "@" in target and ":" in target.partition("://")[2].partition("@")[0]:
        raise CommandError(f"a password does not belong in an argument: put the address in {VARIABLE} and say "
                           f"--to '${VARIABLE}'", 2)  # fmt: skip
    return os.environ.get(target[1:], target) if target.startswith("$") else target


class Progress:
    """Lines on stderr, on a terminal in place."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """So many events are there."""
        now = time.monotonic()
        if now - self._said >= EVERY or (done == total and sys.stderr.isatty()):
            self._said = now
            end = "\r" if sys.stderr.isatty() and done < total else "\n"
            click.echo(f"{done} of {total} events{end}", err=True, nl=False)

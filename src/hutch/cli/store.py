"""``hutch store``: where the event log lives."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict

import click

from hutch.bootstrap.moving import move_store, source_of, target_of, what_to_set
from hutch.bootstrap.stores import VARIABLE, is_database, place_of
from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit
from hutch.commands.context import CommandError
from hutch.store.carrying import LEFT

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
    counts = f"{done.events} events in {done.streams} streams, and {done.jobs} jobs"
    word = "had moved before" if done.again else "moved"
    click.echo(
        f"{word} {counts}, from {old.name} to {new.name} in {seconds:.1f} s; every chain is the same at both ends"
    )
    beside = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in done.beside.items() if count)
    click.echo(f"beside the log: {'as it was moved then' if done.again else beside or 'nothing'}")
    click.echo(f"not carried: {STAYS}")
    click.echo(f"next: {what_to_set(new)}; then `hutch doctor`")


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

"""``hutch backup self``: Hutch's own store, and its way back with ``hutch store restore``."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from hutch.bootstrap.keeping import back_up
from hutch.bootstrap.stores import place_of
from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit
from hutch.cli.store import Progress, counted
from hutch.store.clock import SYSTEM_CLOCK


@click.command("self")
@click.option(
    "--to", "folder", default="", metavar="FOLDER", help="Where it is put.  [default: backups beside the store]"
)
@as_json
def backup_self(folder: str, json_out: bool) -> None:
    """Back up Hutch's own store while it is in use: a new folder with the whole log as it is at this moment, its jobs,
    accounts and samples, and the files beside it; every chain is proved at both ends.

    `hutch verify FOLDER` proves it again anywhere, `hutch store restore FOLDER` makes a store of it.
    """
    path = config_path()
    here = place_of(read_config(path)[0], path.resolve().parent)
    began = time.monotonic()
    made, done = back_up(here, Path(folder) if folder else here.home / "backups", SYSTEM_CLOCK.now(), Progress())
    seconds = round(time.monotonic() - began, 2)
    if json_out:
        emit({"from": here.name, "backup": str(made), **asdict(done), "seconds": seconds, "verified": True})
        return
    click.echo(f"backed up {counted(done)} of {here.name} in {seconds:.1f} s: {made}")
    click.echo(f"it holds passwords' hashes and private incidents, readable by {made.owner()} alone: keep it so")

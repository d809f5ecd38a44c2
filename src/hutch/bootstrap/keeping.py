"""Backs up the store that a configuration means while it is in use, and restores one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hutch.bootstrap.moving import carried, end_of
from hutch.bootstrap.stores import Place
from hutch.commands.context import CommandError
from hutch.store.moving import Moved, Say, move
from hutch.store.owner import living


def back_up(here: Place, folder: Path, now: datetime, say: Say) -> tuple[Path, Moved]:
    """Copy the store, as it is at this moment, into a new folder in ``folder``: a store in a file, proved, or nothing.

    Raises :class:`CommandError`, ``StoreError``, ``StoreAway``; what was begun is gone then.
    """
    whole = folder / f"hutch-{now:%Y%m%dT%H%M%SZ}"
    if whole.exists():
        raise CommandError(f"{whole} is there already: wait a second, or name another folder", 2)
    with _made(whole) as begun:
        copy = Place(begun)
        with end_of(here, "snapshot") as old, end_of(copy, "target") as new:
            moved = move(old, new, say)
        return whole, replace(moved, beside=carried(here, copy))


@contextmanager
def _made(whole: Path) -> Iterator[Path]:
    """A folder for its owner only, that has its name once all is in it."""
    begun = whole.with_name(f"{whole.name}.partial")
    try:
        begun.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise CommandError(f"no backup can be made at {begun}: {error.strerror}", 2) from error
    try:
        yield begun
        begun.rename(whole)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def restore(backup: Path, here: Place, say: Say) -> Moved:
    """Copy a backup into the empty store ``here``: everything, proved at both ends, or nothing. The backup stays.

    Raises :class:`CommandError` while something works there, ``StoreError`` where it is not empty or no backup.
    """
    source = Place(backup)
    if not source.file.is_file():
        raise CommandError(f"no backup at {backup}: name the folder that `hutch backup self` told", 2)
    if not here.url and (alive := living(here.home)):
        raise CommandError(f"the store is in use (see {here.home / alive[0]}): stop every hutch serve and worker first")
    with end_of(source, "snapshot") as old, end_of(here, "target") as new:
        moved = move(old, new, say)
        return moved if moved.again else replace(moved, beside=carried(source, here))

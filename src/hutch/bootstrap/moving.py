"""Moves the store that a configuration means to another place."""

from __future__ import annotations

import importlib
import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hutch.bootstrap.stores import VARIABLE, Place, is_database, place_of_part
from hutch.commands.context import CommandError
from hutch.store import sqlite_end
from hutch.store.carrying import PARTS, carry
from hutch.store.errors import StoreError
from hutch.store.moving import Moved, Say, move
from hutch.store.owner import living

FILES = ("output", "evidence", "reviews", "updates", "links.key", "frozen", "archive")
"""What lies in the store's folder as files and belongs to it; a freeze above all must not end by a move."""


REFERENCES = ("env:", "file:")
"""As secrets are referred to elsewhere: here they would be taken for a folder's name."""


def target_of(text: str, here: Place) -> Place:
    """Where ``text`` says that it goes: the address of a database, or a folder. Raises :class:`CommandError`."""
    if is_database(text):
        return Place(here.home, text)
    if "://" in text or text.startswith("$"):
        raise CommandError(f"--to {text!r}: neither a folder nor postgresql://…, nor the name of a set variable", 2)
    if text.startswith(REFERENCES):
        raise CommandError(f"--to {text!r}: no folder; a variable is written '${text.partition(':')[2] or 'NAME'}'", 2)
    return Place(Path(text).resolve())


def source_of(here: Place, target: Place) -> Place:
    """Where it is now. With the variable already set for the new place it is the file beside the configuration."""
    return Place(here.home) if target.url and here.url == target.url else here


def move_store(source: Place, target: Place, say: Say) -> Moved:
    """Everything or nothing, proved at both ends; a file that was left says where its store went. Cut off anywhere, it
    is done again, and ends the same.

    Raises :class:`CommandError` while something works on it, ``StoreError`` when one end is not as it must be.
    """
    if not source.url and (alive := living(source.home)):
        named = ", ".join(str(source.home / name) for name in alive)
        raise CommandError(f"the store is in use (see {named}): stop every `hutch serve` and `hutch worker` first")
    with end_of(source, "source") as old, end_of(target, "target") as new:
        moved = move(old, new, say)
        if not moved.again:  # what lies beside the log is written before the log is: then it is there, and may be newer
            moved = replace(moved, beside=carried(source, target))
    if not source.url:
        source.moved.write_text(f"{target.name}\n", encoding="utf-8")
    if not target.url:
        target.moved.unlink(missing_ok=True)
    return moved


def carried(source: Place, target: Place) -> dict[str, int]:
    """What lies beside the log: in tables, and as files in the store's folder. How many of each are there."""
    ends = []
    for part in PARTS:
        old, there = place_of_part(source, part)
        ends.append((part, old if there else None, place_of_part(target, part)[0]))
    rows = carry(ends, target.name)
    return {**rows, "files": _files(source.home, target.home) + rows.get("files", 0)}  # some lie in a table


def _files(old: Path, new: Path) -> int:
    """Copy them to another folder; how many there are. In the same folder they stay where they are."""
    try:
        mine = _sizes(old)
        if old.resolve() != new.resolve():
            new.mkdir(mode=0o700, parents=True, exist_ok=True)
            for place in (old / name for name in FILES):
                if place.is_dir():
                    shutil.copytree(place, new / place.name, symlinks=True, dirs_exist_ok=True)
                elif place.is_file():
                    shutil.copy2(place, new / place.name)
        theirs = _sizes(new)
    except (OSError, shutil.Error) as error:
        raise StoreError(f"the store's files cannot be copied: {error}", new, "nothing was moved; try again") from error
    if any(theirs.get(name, -1) < size for name, size in mine.items()):  # what is written meanwhile only grows
        raise StoreError("does not hold the same files after the move", new, "nothing was moved; try again")
    return len(mine)


def _sizes(home: Path) -> dict[Path, int]:
    found = [path for name in FILES for path in (home / name, *(home / name).rglob("*")) if path.is_file()]
    return {path.relative_to(home): path.stat().st_size for path in found}


def what_to_set(target: Place) -> str:
    """What the person does next."""
    if target.url:
        return f"set {VARIABLE} to the new address for every hutch serve, hutch worker and command"
    return f"unset {VARIABLE} and write store: {target.home} in hutch.yaml"


def end_of(place: Place, side: str) -> AbstractContextManager[Any]:
    """A place as ``source`` or ``target`` of a move, or as a ``snapshot`` beside which others go on writing."""
    if not place.url:
        found: AbstractContextManager[Any] = getattr(sqlite_end, side)(place.file)
        return found
    end: Any = importlib.import_module("hutch.store.postgres.end")
    queue: Any = importlib.import_module("hutch.queue.moving")
    opened: AbstractContextManager[Any] = getattr(end, side)(place.url, queue)
    return opened

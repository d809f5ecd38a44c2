"""Moves the store that a configuration means to another place."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hutch.bootstrap.stores import VARIABLE, Place, is_database
from hutch.commands.context import CommandError
from hutch.store import sqlite_end
from hutch.store.moving import Moved, Say, move
from hutch.store.owner import living


def target_of(text: str, here: Place) -> Place:
    """Where ``text`` says that it goes: the address of a database, or a folder. Raises :class:`CommandError`."""
    if is_database(text):
        return Place(here.home, text)
    if "://" in text or text.startswith("$"):
        raise CommandError(f"--to {text!r}: neither a folder nor postgresql://…, nor the name of a set variable", 2)
    return Place(Path(text).resolve())


def source_of(here: Place, target: Place) -> Place:
    """Where it is now. With the variable already set for the new place it is the file beside the configuration."""
    return Place(here.home) if target.url and here.url == target.url else here


def move_store(source: Place, target: Place, say: Say) -> Moved:
    """Everything or nothing, proved at both ends; a file that was left says where its store went.

    Raises :class:`CommandError` while something works on it, ``StoreError`` when one end is not as it must be.
    """
    if not source.url and (alive := living(source.home)):
        named = ", ".join(str(source.home / name) for name in alive)
        raise CommandError(f"the store is in use (see {named}): stop every `hutch serve` and `hutch worker` first")
    with _end(source, "source") as old, _end(target, "target") as new:
        moved = move(old, new, say)
    if not source.url:
        source.moved.write_text(f"{target.name}\n", encoding="utf-8")
    if not target.url:
        target.moved.unlink(missing_ok=True)
    return moved


def what_to_set(target: Place) -> str:
    """What the person does next."""
    if target.url:
        return f"set {VARIABLE} to the new address for every hutch serve, hutch worker and command"
    return f"unset {VARIABLE} and write store: {target.home} in hutch.yaml"


def _end(place: Place, side: str) -> AbstractContextManager[Any]:
    if not place.url:
        return sqlite_end.source(place.file) if side == "source" else sqlite_end.target(place.file)
    end: Any = importlib.import_module("hutch.store.postgres.end")
    queue: Any = importlib.import_module("hutch.queue.moving")
    opened: AbstractContextManager[Any] = getattr(end, side)(place.url, queue)
    return opened

"""A private folder for what is not encrypted yet. One that a killed Hutch left behind is found, and deleted, later."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hutch.providers.backup.errors import BackupError

PREFIX = "hutch-backup-"
LOCK = "lock"


@contextmanager
def stage(work: str) -> Iterator[Path]:
    """A new folder, ours alone, deleted at the end. Its lock says that we live: the kernel drops it when we end."""
    parent = Path(work or tempfile.gettempdir())
    sweep(work)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise BackupError(f"cannot make a folder in {parent}: {error.strerror} (setting work)") from None
    try:
        with (folder / "locking").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "locking").rename(folder / LOCK)  # never there without being held
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(work: str) -> int:
    """Delete what those left behind that are gone; how many folders."""
    found = [f for f in Path(work or tempfile.gettempdir()).glob(f"{PREFIX}*") if _orphaned(f)]
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
    return len(found)


def _orphaned(folder: Path) -> bool:
    """Whether a folder is ours by its owner, and nobody holds its lock."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        with (folder / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False  # somebody holds it, or has just begun

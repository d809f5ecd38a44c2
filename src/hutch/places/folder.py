"""A folder as a place of named files."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hutch.places.errors import PlaceError

CHUNK = 1024 * 1024
PART = ".part"
"""How a file is called in a folder until it is whole."""


class Folder:
    """A folder on this machine."""

    def __init__(self, root: str, fewer: str = "delete old backups (`hutch backup prune`)") -> None:
        """``fewer`` says what makes room in it."""
        self._root, self._fewer = Path(root), fewer
        self.name = root

    def folders(self, prefix: str) -> list[str]:
        """Subfolders by name."""
        with self._said("read", prefix):
            try:
                return sorted(entry.name for entry in (self._root / prefix).iterdir() if entry.is_dir())
            except FileNotFoundError:
                return []

    def sizes(self, prefix: str) -> dict[str, int]:
        """Whole files with their sizes."""
        base = self._root / prefix
        with self._said("read", prefix):
            files = [p for p in base.rglob("*") if p.is_file() and p.suffix != PART]
            return {str(p.relative_to(base)): p.stat().st_size for p in files}

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Beside it first, then by its name, both on the disk when this returns."""
        path = self._root / name
        part = path.with_name(path.name + PART)
        with self._said("write", name):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
                synced(path.parent)
            finally:
                part.unlink(missing_ok=True)

    def read(self, name: str) -> Iterator[bytes]:
        """Chunk by chunk."""
        with self._said("read", name), (self._root / name).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def remove(self, prefix: str, first: str = "") -> None:
        """The folder with all that is in it."""
        with self._said("delete", prefix):
            base = self._root / prefix
            if first:
                (base / first).unlink(missing_ok=True)
                if base.is_dir():
                    synced(base)
            if base.is_dir():
                shutil.rmtree(base)

    @contextmanager
    def _said(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            todo = f": make room there, or {self._fewer}" if full else ""
            raise PlaceError(f"cannot {verb} {self._root / name}: {error.strerror}{todo}", passing=full) from None


def synced(folder: Path) -> None:
    """Make what a folder holds durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

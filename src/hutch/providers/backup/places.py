"""Where backups lie: a place of named files, and the one that is a folder. Its verbs wait: call them in threads."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hutch.providers.backup.errors import BackupError

CHUNK = 1024 * 1024
PART = ".part"
"""How a file is called in a folder until it is whole."""


class Place(Protocol):
    """Files by name (``service/id/file``). Each verb raises :class:`BackupError`."""

    @property
    def name(self) -> str:
        """What people call it; without any secret."""

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders below ``prefix/``, also of those with nothing but a beginning in them."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """The files below ``prefix/`` by their name after it, with their size in bytes; only whole ones."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """The file, whole and durable, or none."""

    def read(self, name: str) -> Iterator[bytes]:
        """Its bytes. ``FileNotFoundError`` when there is none, at the first."""

    def remove(self, prefix: str, first: str = "") -> None:
        """Everything below ``prefix/``, whole or begun; the file ``first`` before all others."""


class Folder:
    """A folder on this machine."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
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
                _sync(path.parent)
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
                    _sync(base)
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
            todo = ": make room there, or delete old backups (`hutch backup prune`)" if full else ""
            raise BackupError(f"cannot {verb} {self._root / name}: {error.strerror}{todo}", passing=full) from None


def _sync(folder: Path) -> None:
    """Make what a folder holds durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

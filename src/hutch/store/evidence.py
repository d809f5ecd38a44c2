"""Files of evidence beside the log, addressed by what they hold: bounded, whole or not there, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hutch.places.folder import synced

_ADDRESS = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """Implements :class:`hutch.ports.Evidence` below ``folder``: ``ab/ab12…``. ``most`` bounds one, in bytes."""

    folder: Path
    most: int

    @property
    def place(self) -> str:
        """The folder, and the machine that has it."""
        return f"{self.folder} on {socket.gethostname()}"

    def put(self, data: bytes) -> str:
        """Keep it, synced to the disk; its address. The same content is kept once. Raises ``OSError``."""
        digest = hashlib.sha256(data).hexdigest()
        place = self._place(digest)
        if place.exists():
            return digest
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half, name = tempfile.mkstemp(dir=place.parent, prefix=".half-")
        try:
            with os.fdopen(half, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(place)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        synced(place.parent)
        return digest

    def opened(self, digest: str) -> IO[bytes] | None:
        """What it holds, as a file at its beginning, of which no more is in memory than is read; None where it is not
        there, or is not what its address says any more."""
        try:
            file = self._place(digest).open("rb")
        except FileNotFoundError:
            return None
        if hashlib.file_digest(file, "sha256").hexdigest() == digest:
            file.seek(0)
            return file
        file.close()
        return None

    def remove(self, digest: str) -> bool:
        """Overwrite it and take it away; False where it was not there."""
        place = self._place(digest)
        if not place.exists():
            return False
        with place.open("r+b") as file:
            _blank(file.write, place.stat().st_size)
            file.flush()
            os.fsync(file.fileno())
        place.unlink()
        synced(place.parent)
        return True

    def _place(self, digest: str) -> Path:
        if not _ADDRESS.fullmatch(digest):
            raise ValueError(f"no address of evidence: {digest[:80]!r}")
        return self.folder / digest[:2] / digest


def _blank(write: Callable[[bytes], int], size: int) -> None:
    for start in range(0, size, 1 << 20):
        write(b"\0" * min(1 << 20, size - start))

"""A file of rows that takes back what a failed COPY had written, and knows what it holds."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

READ = 1024 * 1024


class Sink:
    """Rows in COPY's text format, for our eyes alone (0600)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def mark(self) -> int:
        """Where the next row begins."""
        return self._file.tell()

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Add a piece."""
        self._file.write(piece)

    def back(self, mark: int) -> None:
        """Forget what was written since ``mark``."""
        self._file.seek(mark)
        self._file.truncate()

    def ended(self) -> tuple[int, str]:
        """Bytes and SHA-256 of the whole, on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0)
        seen, size = hashlib.sha256(), 0
        while piece := self._file.read(READ):
            seen.update(piece)
            size += len(piece)
        return size, seen.hexdigest()

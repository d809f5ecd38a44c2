"""What a program writes into a pipe, on its way into sealing: its clear text never lies on a disk."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

from hutch.places.folder import CHUNK
from hutch.providers.backup.errors import BackupError

POLL = 0.05
"""Seconds after which is looked again whether the writer has ended; what it writes wakes at once."""


class Flow:
    """A named pipe, whose reading end is open from the first: a writer that never comes holds up nobody.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     flow = Flow(Path(folder, "pipe"))
    ...     with open(flow.path, "wb") as writer:
    ...         _ = writer.write(b"rows")
    ...     flow.end(whole=True)
    ...     told = b"".join(flow.chunks(threading.Event()))
    ...     flow.close()
    >>> told
    b'rows'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o600)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._ended, self._whole = threading.Event(), False

    def end(self, *, whole: bool) -> None:
        """The writer has ended; ``whole``: as it should."""
        self._whole = whole
        self._ended.set()

    def close(self) -> None:
        """Nothing is read any more: whoever still writes gets an error."""
        os.close(self._end)

    def chunks(self, stop: threading.Event) -> Iterator[bytes]:
        """What is written, up to the writer's end. :class:`BackupError` where that was not as it should be."""
        while not stop.is_set():
            last = self._ended.is_set()  # asked first: what is read after it is all that there is
            chunk = self._read()
            if chunk:
                yield chunk
            elif last:
                if self._whole:
                    return
                raise BackupError("the dump ended before it was whole")
            else:
                self._ended.wait(POLL) if chunk == b"" else select.select([self._end], [], [], POLL)
        raise BackupError("the backup was cancelled while it was stored")

    def _read(self) -> bytes | None:
        """The next bytes; none where nobody has the other end open, None where somebody has and writes nothing now."""
        try:
            return os.read(self._end, CHUNK)
        except BlockingIOError:
            return None

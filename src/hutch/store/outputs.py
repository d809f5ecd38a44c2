"""What commands say, kept on the disk: masked before it is written, each bounded, all bounded, the oldest removed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hutch.store.masking import HOLD, Mask, Masking, cut_safely

TAIL = 1024 * 1024
"""Characters of the end that are kept at most, where not all is."""

SHARE = 64
"""All is added up again once this part of its bound has been written."""

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass(slots=True)
class FileOutputs:
    """Implements :class:`hutch.ports.Outputs` below ``folder``: ``RUN/ITEM.txt``, for its owner alone.

    ``each`` bounds one output, ``all`` the folder, in bytes. ``over`` says whether a run has ended: such go first.
    """

    folder: Path
    mask: Mask
    each: int
    all: int
    over: Callable[[str], Awaitable[bool]]
    _open: set[Path] = field(default_factory=set)
    _unseen: int = 1 << 62  # bytes written since all was last added up: never yet

    def open(self, run: str, item: str) -> FileOutput:
        """A new output in the place of an earlier one of the same statement."""
        path = self.path(run, item)
        self._open.add(path)
        return FileOutput(path, self.mask, self.each, self._closed)

    def path(self, run: str, item: str) -> Path:
        """Where it is kept, if it is."""
        return self.folder / _safe(run) / f"{_safe(item)}.txt"

    async def _closed(self, path: Path, size: int) -> None:
        self._open.discard(path)
        self._unseen += size
        if self._unseen < self.all // SHARE:
            return
        self._unseen = 0
        sizes = await asyncio.to_thread(self._sizes)
        surplus = sum(size for size, _, _ in sizes) - self.all
        if surplus > 0:
            await self._remove(sorted(sizes, key=lambda s: s[1]), surplus)

    def _sizes(self) -> list[tuple[int, float, Path]]:
        """Size, age and file of each output."""
        found = []
        for path in self.folder.glob("*/*.txt"):
            with suppress(OSError):
                told = path.stat()
                found.append((told.st_size, told.st_mtime, path))
        return found

    async def _remove(self, oldest: list[tuple[int, float, Path]], surplus: int) -> None:
        """Those of runs that have ended, whole runs, the oldest first; then single ones that nobody writes."""
        runs = dict.fromkeys(path.parent for _, _, path in oldest)
        for run in runs:
            if surplus > 0 and not any(p.parent == run for p in self._open) and await self.over(run.name):
                surplus -= sum(size for size, _, path in oldest if path.parent == run)
                await asyncio.to_thread(shutil.rmtree, run, ignore_errors=True)
        for size, _, path in oldest:
            if surplus > 0 and path not in self._open and path.exists():
                surplus -= size
                path.unlink(missing_ok=True)


def _safe(name: str) -> str:
    """A file's name for what is called ``name``; different names stay different."""
    if _PLAIN.fullmatch(name) and not name.startswith("."):
        return name
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:80].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:10]}"


class FileOutput:
    """One output: its head as it comes, its end when it has ended, and between them how much was left out."""

    def __init__(self, path: Path, mask: Mask, limit: int, closed: Callable[[Path, int], Awaitable[None]]) -> None:
        self._path, self._mask, self._closed = path, mask, closed
        self._end = min(limit // 4, TAIL)
        self._room = limit - self._end
        self._masking = Masking(mask)
        self._tail: deque[str] = deque()
        self._tail_size = self._left_out = self._written = 0
        self._file = -1
        self._failed = False

    @property
    def kept(self) -> int:
        """Bytes on the disk."""
        return self._written

    def add(self, text: str) -> None:
        """Take in a piece. What cannot be written is not kept; the command goes on."""
        if self._room > 0:
            self._write(self._masking.add(text))
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) > self._end + HOLD:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._left_out += gone

    async def close(self) -> None:
        """Write the end, and make room where all together are too much."""
        await asyncio.to_thread(self._finish)
        await self._closed(self._path, self._written)

    def _finish(self) -> None:
        rest = "".join(self._tail)
        if self._left_out:
            left = self._left_out + self._masking.held
            cut = cut_safely(rest, 2 * HOLD, self._mask)[0] or len(rest)
            self._write(f"\n[… {left + cut} characters left out …]\n", self._mask(rest[cut:]))
        else:
            self._write(self._masking.add(rest), self._masking.end())
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, *pieces: str) -> None:
        data = "".join(pieces).encode("utf-8", "replace")
        if not data or self._failed:
            return
        try:
            if self._file < 0:
                self._file = self._opened()
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            self._failed = True
            return
        self._written += len(data)
        self._room -= len(data)

    def _opened(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)

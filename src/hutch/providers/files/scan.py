"""Reads files from their ends, a block at a time, and looks into a line only where the wanted word stands.

A search wants the newest lines, and most lines of a log are not wanted: so a block is searched as a whole, and neither
split nor parsed. The memory is that of one block and of the lines that are given, however large the file is.
"""

from __future__ import annotations

import heapq
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hutch.model.logpattern import fields_of
from hutch.model.platform import LogLine, LogQuery
from hutch.providers.files.lines import Needle, needle_of, read_line, time_of, wanted

BLOCK = 256 * 1024
LONGEST = 4 * BLOCK
"""Bytes of one line that are kept together; what is longer is read in pieces."""
BACK = 50
"""Lines before one without a time (a traceback) in which its time is looked for."""
ORDER = timedelta(minutes=1)
"""How far lines of one file may stand out of order."""


class TooMuch(Exception):
    """The time for one search is over; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a search has to end, by the monotonic clock."""

    at: float
    seconds: float

    def check(self) -> None:
        """Raises :class:`TooMuch` once the time is over."""
        if time.monotonic() > self.at:
            raise TooMuch(f"the files hold too much to be searched in {self.seconds:g} s: say a later since")


def search(paths: Sequence[Path], query: LogQuery, seconds: float) -> list[LogLine]:
    """The newest matching lines of all files, oldest first. Raises :class:`TooMuch` or ``OSError``."""
    deadline = Deadline(time.monotonic() + seconds, seconds)
    found: list[LogLine] = []
    for path in paths:
        lines = _first(_newest(path, query, needle_of(query), deadline), query.limit)
        found = heapq.nlargest(query.limit, [*found, *reversed(lines)], key=lambda line: line.at)
    return sorted(found, key=lambda line: line.at)


def _first(lines: Iterator[LogLine], most: int) -> list[LogLine]:
    return [line for _, line in zip(range(most), lines, strict=False)]


def _newest(path: Path, query: LogQuery, needle: Needle | None, deadline: Deadline) -> Iterator[LogLine]:
    """The matching lines of one file, the last one first."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):
            return
        written = datetime.fromtimestamp(known.st_mtime, UTC)
        for block in _blocks(descriptor, known.st_size):
            deadline.check()
            yield from _matching(block, query, needle, path.name, written)
            if query.since and _before(block, query.since):
                return
    finally:
        os.close(descriptor)


def _blocks(descriptor: int, size: int) -> Iterator[bytes]:
    """Whole lines, from the end of the file to its beginning."""
    end, rest = size, b""
    while end > 0:
        start = max(0, end - BLOCK)
        data = os.pread(descriptor, end - start, start) + rest
        cut = data.find(b"\n") + 1 if start else 0
        if start and not cut and len(data) < LONGEST:
            rest = data
        else:
            rest = data[:cut] if cut else b""
            yield data[cut:] if cut else data
        end = start


def _matching(
    block: bytes, query: LogQuery, needle: Needle | None, name: str, written: datetime
) -> Iterator[LogLine]:  # fmt: skip
    """The block's matching lines, the last one first."""
    for start, end in _ranges(block, needle):
        raw = block[start:end]
        if not raw.strip():
            continue
        line = read_line(raw, name, written)
        if line.at is written and start:
            line = read_line(raw, name, _time_above(block, start) or written)
        if wanted(line, query, raw):
            yield line


def _ranges(block: bytes, needle: Needle | None) -> Iterator[tuple[int, int]]:
    """Where the lines stand that have the needle, the last one first; without one, every line."""
    if needle is None:
        end = len(block) - 1 if block.endswith(b"\n") else len(block)
        while end >= 0:
            start = block.rfind(b"\n", 0, end) + 1
            yield start, end
            end = start - 1
        return
    yield from reversed(_with(block, needle))


def _with(block: bytes, needle: Needle) -> list[tuple[int, int]]:
    """Forwards: that is how bytes are searched fast."""
    found, text = [], block.lower() if needle.folded else block
    at = text.find(needle.text)
    while at >= 0:
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        found.append((block.rfind(b"\n", 0, at) + 1, end))
        at = text.find(needle.text, end)
    return found


def _time_above(block: bytes, start: int) -> datetime | None:
    """The time of the nearest line above that tells one."""
    end = start - 1
    for _ in range(BACK):
        if end <= 0:
            return None
        begin = block.rfind(b"\n", 0, end) + 1
        text = block[begin : min(end, begin + LONGEST)].decode("utf-8", errors="replace")
        with suppress(ValueError):
            if found := time_of(text, fields_of(text)):
                return found
        end = begin - 1
    return None


def _before(block: bytes, since: datetime) -> bool:
    """Whether this block begins so long before ``since`` that what stands before it is of no interest."""
    end = block.find(b"\n")
    text = block[: end if end >= 0 else len(block)].decode("utf-8", errors="replace")
    found = time_of(text, fields_of(text))
    return found is not None and found < since - ORDER

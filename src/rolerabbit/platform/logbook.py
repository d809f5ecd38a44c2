"""Where the replicas' lines go: into the ring that is searched first, and into files, which reach further back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rolerabbit.platform.logs import Line, Query, Ring, read_line

ROTATE_BYTES = 5_000_000
MOST_FILES = 40
"""Files that one search reads, the newest: 200 MB at most."""


class Logbook:
    """Keeps the lines, in one file a release. A file that has grown past 5 MB becomes ``.1``, in the place of the one
    before."""

    def __init__(self, folder: Path) -> None:
        self.ring = Ring()
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, line: Line) -> None:
        """Keep one line."""
        self.ring.add(line)
        path = self._folder / f"release-{line.release}.log"
        if path.exists() and path.stat().st_size > ROTATE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line.time.isoformat()} {line.replica} {line.stream} {line.text}\n")

    async def find(self, query: Query) -> list[Line]:
        """The newest matching lines, oldest first, at most ``query.limit``. The files are read, in a thread, only for
        what is older than the ring: lines that it has dropped, and those from before the platform was started."""
        newest, oldest = self.ring.find(query), self.ring.oldest
        left = query.limit - len(newest)
        if left <= 0 or (oldest and query.since and query.since >= oldest):
            return newest
        return [*await asyncio.to_thread(self._before, oldest, replace(query, limit=left)), *newest]

    def _before(self, moment: datetime | None, query: Query) -> list[Line]:
        found = [line for path in self._files(query.since) for line in _matching(path, moment, query)]
        return sorted(found, key=lambda line: line.time)[-query.limit :]

    def _files(self, since: datetime | None) -> list[Path]:
        """The newest files that may hold lines from ``since`` on."""
        files = [(path.stat().st_mtime, path) for path in self._folder.glob("release-*.log*")]
        newest = sorted(files, reverse=True)[:MOST_FILES]
        return [path for changed, path in newest if since is None or changed >= since.timestamp()]


def _matching(path: Path, before: datetime | None, query: Query) -> Iterator[Line]:
    """The last ``query.limit`` matching lines of one file, oldest first."""
    kept: deque[Line] = deque(maxlen=query.limit)
    release = path.name.removeprefix("release-").removesuffix(".1").removesuffix(".log")
    words = query.grep.lower()
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for text in file:
            if words in text.lower():  # most lines are told apart by this, without being taken apart
                line = _read(text, release)
                if line and (before is None or line.time < before) and query.matches(line):
                    kept.append(line)
    yield from kept


def _read(text: str, release: str) -> Line | None:
    """A line as :meth:`Logbook.add` has written it; None for one that was cut short."""
    time, _, rest = text.partition(" ")
    replica, _, rest = rest.partition(" ")
    stream, _, said = rest.partition(" ")
    try:
        return read_line(said, datetime.fromisoformat(time), release, replica, stream)
    except ValueError:
        return None

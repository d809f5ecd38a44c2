"""Puts the log files of one service together: the search, and whether they can be read."""

from __future__ import annotations

import asyncio
import glob
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hutch.model.finding import Finding, Status
from hutch.model.platform import LogLine, LogQuery
from hutch.ports import Connection, TargetConfig, Unanswered
from hutch.providers.files.config import Config, config_from
from hutch.providers.files.scan import TooMuch, search

CHECK = "files.readable"


def connect(target: TargetConfig) -> Connection:
    """Nothing is read before its first use."""
    reader = Reader(config_from(target.settings), target.now)
    return Connection(target=reader.target, checks={CHECK: reader.check}, logs=reader.logs)


@dataclass(frozen=True, slots=True)
class Reader:
    """Looks at the files that there are now."""

    config: Config
    now: Callable[[], datetime]

    @property
    def target(self) -> str:
        """What is looked at."""
        return f"files {', '.join(self.config.paths)}"

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The newest lines that match, oldest first. :class:`Unanswered` where a file can't be read."""
        try:
            return await asyncio.to_thread(self._search, query)
        except TooMuch as error:
            raise Unanswered(str(error), recoverable=False) from error
        except OSError as error:
            raise Unanswered(f"{error.filename}: {error.strerror}", recoverable=False) from error

    def _search(self, query: LogQuery) -> list[LogLine]:
        return search(self._files(query.since), query, self.config.timeout)

    def _files(self, since: datetime | None = None) -> list[Path]:
        """Those that were written last, and of them those that may hold a line from ``since`` on, the newest first."""
        names = {name for path in self.config.paths for name in glob.glob(path, recursive=True)}  # noqa: PTH207
        if not names:
            raise Unanswered(f"no file is there: {', '.join(self.config.paths)}", recoverable=False)
        times = sorted(((_written(name), name) for name in names), reverse=True)[: self.config.most_files]
        return [Path(name) for at, name in times if at and (since is None or at >= since.timestamp())]

    async def check(self) -> Finding:
        """Check ``files.readable``: is there a file, and can each be read?"""
        at, started = self.now(), time.monotonic()
        try:
            files = await asyncio.to_thread(self._files)
        except Unanswered as error:
            return self._finding(Status.UNKNOWN, str(error), at, started)
        closed = [str(path) for path in files if not os.access(path, os.R_OK)]
        if closed:
            return self._finding(Status.UNKNOWN, f"can't be read: {', '.join(closed[:5])}", at, started)
        return self._finding(Status.OK, f"{len(files)} files", at, started)

    def _finding(self, status: Status, said: str, at: datetime, started: float) -> Finding:
        reason = said if status is Status.UNKNOWN else ""
        took = time.monotonic() - started
        return Finding(CHECK, self.target, status, said, at, took, matters=False, reason=reason)


def _written(name: str) -> float:
    """When it was last written; 0 for what is no file, or gone meanwhile."""
    try:
        return os.stat(name).st_mtime if os.path.isfile(name) else 0.0  # noqa: PTH113, PTH116 - names of a glob
    except OSError:
        return 0.0

"""One drill at a time on one stage: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hutch.commands.context import CommandError

SAID_MOST = 4000
"""Characters of what a lock's holder says that are read."""


def holder(path: Path) -> str:
    """What is under way at the lock file ``path``, in its own words; empty if nothing is."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(SAID_MOST).strip() or "a drill that has not said which"
    except OSError:
        return ""
    return ""


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file ``path`` while the block lasts. Raises :class:`CommandError` that says who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CommandError(
                f"another drill is under way here: {file.read().strip() or 'it has not said which'} (lock {path}); "
                "wait for its end, or give this one a folder of its own with --dir"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()}, {what}, since {datetime.now(UTC):%H:%M:%S} UTC\n")
        file.flush()
        yield

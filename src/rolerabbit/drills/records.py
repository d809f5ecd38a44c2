"""What must be undone, on disk before it is done: so that it is undone even if the fault's process was killed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rolerabbit.drills.errors import FaultError, Refused

FOLDER = "faults"
LOCK = "lock"

Step = Mapping[str, Any]


class Records:
    """The undo record of one fault: ``DATA_DIR/faults/NAME.json`` (0600), whole on disk before each change."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self.name = name
        self._path = folder_of(data_dir) / f"{name}.json"

    @property
    def steps(self) -> list[Step]:
        """What is to be undone, in the order in which it was done. FaultError where the file is damaged."""
        if not self._path.exists():
            return []
        try:
            steps: list[Step] = json.loads(self._path.read_text(encoding="utf-8"))["steps"]
        except (ValueError, KeyError, TypeError) as error:
            raise FaultError(f"{self._path} is damaged ({error!r}): undo what it says, delete it") from error
        return steps

    def add(self, step: Step) -> None:
        """Note a change that is about to be made."""
        self._write([*self.steps, step])

    def drop_last(self) -> None:
        """The last change is undone; with the last one the file goes."""
        rest = self.steps[:-1]
        if rest:
            self._write(rest)
            return
        self._path.unlink(missing_ok=True)
        _sync_folder(self._path.parent)

    def _write(self, steps: list[Step]) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"fault": self.name, "steps": steps}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)


def folder_of(data_dir: Path) -> Path:
    """Where the records lie; made (0700) if need be."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def leftovers(data_dir: Path) -> list[Records]:
    """The records of faults that were not undone."""
    return [Records(data_dir, path.stem) for path in sorted(folder_of(data_dir).glob("[!.]*.json"))]


@contextmanager
def only_one(data_dir: Path, name: str) -> Iterator[None]:
    """Hold this platform's lock for faults. Refused, naming who holds it, while another process lives."""
    descriptor = os.open(folder_of(data_dir) / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read().strip() or "another fault"
            raise Refused(f"{holder} stands on this platform: end it first (close its input, or SIGTERM)") from error
        file.truncate(0)
        file.write(f"{name} (process {os.getpid()})")
        file.flush()
        yield
        file.seek(0)
        file.truncate(0)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

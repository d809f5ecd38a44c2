"""A fault in a team's own service: what stands, on disk, so that it ends whoever dies.

A watchdog process of its own (``hutch.commands.drills.watchdog``) holds the fault: it ends it when the time is over,
when somebody asks for it, or when the fault's process dies. Where the watchdog itself is killed, the fault's input ends
and it undoes itself; where both are killed, the record that lies here is undone at the next start of Hutch.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hutch.commands.context import CommandError

FOLDER = "own"
"""Below the folder of the drills."""

OVER = frozenset({"undone", "refused"})
"""States in which nothing stands any more."""

MOST_BYTES = 100_000
"""A larger file is none of ours."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One drill of a service. ``state``: making, on, undoing; undone, refused; or stuck, where no undo has helped.
    ``pid`` is its watchdog's."""

    service: str
    fault: str
    argv: tuple[str, ...]
    undo: tuple[str, ...]
    began_at: str
    seconds: float
    by: str
    state: str = "making"
    said: str = ""
    pid: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing of it stands."""
        return self.state in OVER


class Records:
    """The records of one installation's own drills: one for each service, 0600, whole at every moment."""

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def path(self, service: str) -> Path:
        """Where a service's record lies. A service's name is one of the configuration, and no path."""
        return self.folder / f"{service.replace('/', '_')}.json"

    def write(self, record: Standing) -> None:
        """Put it there, on the disk."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self.path(record.service)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)

    def read(self, service: str) -> Standing | None:
        """The service's record; None where there is none. Raises :class:`CommandError`."""
        return _read(self.path(service))

    def all(self) -> list[Standing]:
        """All of them. Raises :class:`CommandError`."""
        found = [_read(path) for path in sorted(self.folder.glob("[!.]*.json"))]
        return [record for record in found if record]

    def move(self, record: Standing, state: str, said: str = "") -> Standing:
        """The record in its new state, written."""
        moved = replace(record, state=state, said=said[:500])
        self.write(moved)
        return moved

    # -------------------------------------------------------------- who holds it

    @contextmanager
    def held(self, service: str) -> Iterator[bool]:
        """Hold the service's lock while the block lasts; False where a watchdog that lives does."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path(service).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def watched(self, service: str) -> bool:
        """Whether a watchdog lives that holds it."""
        with self.held(service) as free:
            return not free

    # -------------------------------------------------------------- asking it to end

    def ask_to_stop(self, service: str) -> None:
        """The watchdog sees it within a moment."""
        self._wish(service).touch(mode=0o600)

    def asked_to_stop(self, service: str) -> bool:
        """Whether somebody did."""
        return self._wish(service).exists()

    def forget_wish(self, service: str) -> None:
        """Before the next one begins."""
        self._wish(service).unlink(missing_ok=True)

    def _wish(self, service: str) -> Path:
        return self.path(service).with_suffix(".stop")

    def wait(self, service: str, states: Sequence[str], seconds: float) -> Standing | None:
        """The record once it is in one of these states, or as it is when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            record = self.read(service)
            if record is None or record.state in states or time.monotonic() > deadline:
                return record
            time.sleep(0.1)


def _read(path: Path) -> Standing | None:
    """None where there is none. Raises :class:`CommandError` for one that is there and says nothing: what it should
    say may still stand."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        data = json.loads(path.read_text(encoding="utf-8"))
        return Standing(**{**data, "argv": tuple(data["argv"]), "undo": tuple(data["undo"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CommandError(
            f"{path} does not say what stands in the service ({type(error).__name__}): make sure that no fault does, "
            "and delete it"
        ) from error

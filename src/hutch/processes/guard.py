"""Our end of the watchdog: tells it which groups run, and starts it anew where it is gone."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from hutch.processes import mark, watchdog

log = logging.getLogger("hutch.processes")


class Guard:
    """One watchdog for this process, from its first command on. Where none can be started, commands run without."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._owner = self._pid = 0
        self._pipe = -1
        self._lost = False

    def add(self, group: int) -> None:
        """This group runs now."""
        with self._lock:
            self._groups.add(group)
            self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """It has ended."""
        with self._lock:
            self._groups.discard(group)
            self._tell(f"-{group}\n")

    @property
    def pid(self) -> int:
        """The watchdog's number; 0 before there is one."""
        return self._pid

    def _tell(self, line: str) -> None:
        if self._lost:
            return
        try:
            if self._owner != os.getpid():
                self._start()
            else:
                os.write(self._pipe, line.encode())
        except BrokenPipeError:
            self._restart()
        except OSError as error:
            self._lost = True
            log.warning("no watchdog can be started: commands would outlive a Hutch that is killed: %s", error)

    def _restart(self) -> None:
        os.close(self._pipe)
        with suppress(OSError):
            os.waitpid(self._pid, os.WNOHANG)
        self._owner = 0
        self._tell("")

    def _start(self) -> None:
        """Start it and tell it of every group. After a fork the groups of our parent are not ours."""
        reading, writing = os.pipe()
        argv = [sys.executable, "-I", "-S", str(Path(watchdog.__file__)), mark.own()]
        nowhere = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2)]
        try:
            actions = [(os.POSIX_SPAWN_DUP2, reading, 0), *nowhere]
            self._pid = os.posix_spawn(sys.executable, argv, {}, file_actions=actions, setsid=True)
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        self._pipe, self._owner = writing, os.getpid()
        os.write(writing, "".join(f"+{group}\n" for group in self._groups).encode())


guard = Guard()
"""That of this process."""

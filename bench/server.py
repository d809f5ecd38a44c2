"""``hutch serve`` as a process of its own, and what the kernel says of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

START_WITHIN = 30.0
STOP_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. Everything is read from ``/proc``, so that asking costs it nothing."""

    pid: int

    def cpu(self) -> float:
        """CPU seconds so far, of all its threads, to the nanosecond: the kernel's clock of that process."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def threads(self) -> int:
        """Threads that it has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def connections(self) -> int:
        """Open SQLite connections: each holds the store's main file open once."""
        return sum(1 for name in self._open() if name.endswith("hutch.db"))

    def descriptors(self) -> int:
        """Open files, sockets and pipes."""
        return len(self._open())

    def memory(self) -> float:
        """MiB that are resident."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)

    def _open(self) -> list[str]:
        names = []
        for path in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):  # closed since it was listed
                names.append(str(path.readlink()))
        return names


@contextmanager
def serving(path: Path, port: int = 0, env: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    """``hutch serve`` with the configuration at ``path``, up for as long as the block lasts; 0: on any port.

    ``env`` is added to the environment.
    """
    words = [str(Path(sys.executable).with_name("hutch")), "--config", str(path), "serve", "--port", str(port)]
    log = path.parent / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, cwd=path.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **env}
        )
    try:
        _wait(process, log)
        yield Server(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while "Hutch serves" not in log.read_text(encoding="utf-8", errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(0.05)

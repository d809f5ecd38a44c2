"""The owner's end of the guard: one guard process for all children of this process, started when first needed."""

from __future__ import annotations

import atexit
import signal
import subprocess
import sys
import threading
from pathlib import Path

from rolerabbit.embedded import guard

_GUARD_SCRIPT = Path(guard.__file__)
_CLOSE_SECONDS = 15.0


class Guard:
    """Sends orders to a guard process; a guard that died is replaced and told everything again. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._orders: dict[str, str] = {}

    def watch(self, pid: int, number: signal.Signals = signal.SIGTERM, grace: float = 2.0) -> None:
        """Should we die, send ``number`` to ``pid`` and SIGKILL after ``grace`` seconds."""
        self._give(f"pid {pid}", f"watch {pid} {int(number)} {grace}")

    def release(self, pid: int) -> None:
        """The process was reaped: its id may be another's now."""
        self._withdraw(f"pid {pid}", f"release {pid}")

    def remove(self, folder: Path) -> None:
        """Should we die, delete ``folder`` once the watched processes have ended."""
        self._give(f"folder {folder}", f"remove {folder}")

    def keep(self, folder: Path) -> None:
        """Take back ``remove``."""
        self._withdraw(f"folder {folder}", f"keep {folder}")

    def close(self) -> None:
        """Let the guard end what it still watches, and wait for it."""
        with self._lock:
            process, self._process = self._process, None
            self._orders.clear()
            if process is not None and process.stdin is not None:
                process.stdin.close()
                process.wait(_CLOSE_SECONDS)

    def _give(self, key: str, line: str) -> None:
        with self._lock:
            self._orders[key] = line
            self._write(line)

    def _withdraw(self, key: str, line: str) -> None:
        with self._lock:
            if self._orders.pop(key, None) is not None:
                self._write(line)

    def _write(self, line: str) -> None:
        if self._process is not None and self._send([line]):
            return
        self._process = _spawn()
        self._send(list(self._orders.values()))

    def _send(self, lines: list[str]) -> bool:
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None:
            return False
        try:
            stdin.write("".join(f"{line}\n" for line in lines))
            stdin.flush()
        except BrokenPipeError:
            return False
        return True


def _spawn() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARD_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        text=True,
    )


GUARD = Guard()
atexit.register(GUARD.close)

"""Ends processes whose owner is gone, even when it was killed with SIGKILL.

Run as a script with the read end of a pipe as its standard input; the owner keeps the write end. The lines are orders:

    watch PID SIGNAL GRACE   at the end send SIGNAL to PID, and SIGKILL after GRACE seconds
    release PID              forget PID, it was reaped
    remove PATH              at the end delete the folder PATH
    keep PATH                forget PATH

When the last write end closes, the pipe ends and the orders are carried out. Imports the standard library alone, so
that ``python -I -S`` starts it in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(slots=True)
class Orders:
    """What is to be done at the end: processes by pid with their signal and grace, and folders."""

    processes: dict[int, tuple[int, float]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        """Take one order; lines that aren't orders (a torn last line) are left alone."""
        match line.rstrip("\n").split(" ", 1):
            case ["watch", rest] if len(parts := rest.split(" ")) == 3:
                self.processes[int(parts[0])] = (int(parts[1]), float(parts[2]))
            case ["release", pid]:
                self.processes.pop(int(pid), None)
            case ["remove", path]:
                self.folders.add(path)
            case ["keep", path]:
                self.folders.discard(path)


def alive(pid: int) -> bool:
    """Whether this process still runs. One that only waits to be reaped (init may take its time) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """By the state in /proc, which stands behind the name in parentheses; False where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def end(processes: dict[int, tuple[int, float]]) -> None:
    """Signal all, wait for each one's grace, then kill what is left together with the groups that they lead."""
    started = time.monotonic()
    for pid, (number, _) in processes.items():
        _send(os.kill, pid, number)
    waiting = dict(processes)
    while waiting:
        waited = time.monotonic() - started
        waiting = {pid: order for pid, order in waiting.items() if alive(pid) and waited < order[1]}
        time.sleep(POLL_SECONDS if waiting else 0)
    for pid in processes:
        _send(os.killpg, pid, signal.SIGKILL)
        _send(os.kill, pid, signal.SIGKILL)


def _send(how: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(pid, number)


def main(lines: Iterable[str]) -> None:
    """Take orders until the pipe ends, then carry them out. Signals meant for the owner's group are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    orders = Orders()
    for line in lines:
        orders.take(line)
    end(orders.processes)
    for folder in orders.folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.stdin)

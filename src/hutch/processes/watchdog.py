"""A small process that outlives us only to end what we started: it ends when our end of its pipe closes.

We can end by SIGKILL or with the memory; then the kernel closes the pipe, and groups and marked processes are killed.
The file is run by itself (``python -I -S watchdog.py MARK``), so that starting it costs little.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

ROUNDS = 200
PAUSE = 0.02


def main() -> None:
    """Note the groups that come and go, until the pipe closes; then end those that are left, and what is marked."""
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    if not os.access("/proc/self/environ", os.R_OK):
        return
    needle = b"\0HUTCH_STARTED_BY=" + sys.argv[1].encode()
    for _ in range(ROUNDS):
        found = [entry.name for entry in os.scandir("/proc") if entry.name.isdecimal() and carries(entry.name, needle)]
        if not found:
            break
        for pid in found:
            with suppress(OSError):
                os.kill(int(pid), signal.SIGKILL)
        signal.sigtimedwait([], PAUSE)


def carries(pid: str, needle: bytes) -> bool:
    """Whether the process has the mark in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than all else
            return needle in b"\0" + file.read()
    except OSError:
        return False


if __name__ == "__main__":
    main()

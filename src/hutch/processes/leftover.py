"""Finds and ends what a command left behind: processes that carry its mark, or stay in its scratch folder (Linux)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from hutch.processes import mark

ROUNDS = 100
PAUSE = 0.01
"""How often, and seconds between two looks, while processes that fork are chased."""

Wanted = Callable[[str], bool]


def each(wanted: Wanted, after: int = 0) -> Iterator[int]:
    """Processes, ours excepted, for which ``wanted`` says so of their folder in ``/proc``.

    ``after``: only those that were begun after that process, which is not collected yet; after the numbers have
    started anew, all.
    """
    newest = _newest() if after else 0
    if after and newest == after:
        return  # not collected yet, it is the youngest there is
    low = 0 if newest < after else after
    for pid in _numbers():
        if pid > low and pid != os.getpid() and wanted(f"/proc/{pid}"):
            yield pid


def left(wanted: Wanted, after: int = 0) -> list[int]:
    """All of them, as ``each`` finds them."""
    return list(each(wanted, after))


def _numbers() -> Iterator[int]:
    with suppress(OSError), os.scandir("/proc") as entries:
        yield from [int(entry.name) for entry in entries if entry.name.isdecimal()]


def _newest() -> int:
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[-1])
    except (OSError, ValueError):
        return 0


def marked(value: str) -> Wanted:
    """Those that carry this mark, or one that begins with it."""
    needle = f"\0{mark.VARIABLE}={value}".encode()

    def wanted(place: str) -> bool:
        return needle in _environment(place) + b"\0"

    return wanted


def inside(folder: str) -> Wanted:
    """Those whose working folder is ``folder`` or below it."""

    def wanted(place: str) -> bool:
        try:
            here = str(Path(f"{place}/cwd").readlink())
        except OSError:
            return False
        return here.removesuffix(" (deleted)") == folder or here.startswith(f"{folder}/")

    return wanted


def _orphaned(place: str) -> bool:
    start = f"\0{mark.VARIABLE}=".encode()
    _, found, rest = _environment(place).partition(start)
    return bool(found) and mark.orphaned(rest.partition(b"\0")[0].decode("utf-8", "replace"))


def _environment(place: str) -> bytes:
    try:
        return b"\0" + Path(f"{place}/environ").read_bytes()
    except OSError:
        return b""


def end(wanted: Wanted, after: int = 0) -> int:
    """Kill them until a look finds none; how many were found at first.

    All are stopped before the first is killed: a stopped process keeps its place in its user's count, so that those
    which are not found yet cannot fork into it.
    """
    found = left(wanted, after)
    count, stopped = len(found), set[int]()
    for _ in range(ROUNDS):
        if not found:
            break
        if running := [pid for pid in found if pid not in stopped]:
            send(running, signal.SIGSTOP, wanted)
            stopped.update(running)
        else:
            send(found, signal.SIGKILL, wanted)
            time.sleep(PAUSE)
        found = left(wanted, after)
    send(found, signal.SIGKILL, wanted)
    return count


def send(found: list[int], number: int, wanted: Wanted) -> None:
    """Send them a signal. A number that somebody else's process has by now is left alone."""
    for pid in found:
        with suppress(OSError):
            handle = os.pidfd_open(pid)
            try:
                if wanted(f"/proc/{pid}"):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def end_left_behind() -> int:
    """End what a Hutch that is gone has left running here; how many processes that were."""
    return end(_orphaned)

"""Bounds how many processes one command may become: by the kernel where it counts them, and by looking."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

from hutch.processes.leftover import left

EVERY = 0.25
"""Seconds between two looks."""


def bound(pid: int, most: int) -> None:
    """Let the user of ``pid`` have ``most`` more tasks than now: the kernel counts a user's, and none of root's."""
    with suppress(OSError, ValueError, AttributeError):
        wanted = _tasks_of(Path(f"/proc/{pid}").stat().st_uid) + most
        _, hard = resource.prlimit(pid, resource.RLIMIT_NPROC)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.prlimit(pid, resource.RLIMIT_NPROC, (limit, limit))


def _tasks_of(user: int) -> int:
    """How many threads the user has."""
    return sum(_threads(f"/proc/{pid}") for pid in left(lambda place: _owner(place) == user))


def _owner(place: str) -> int:
    try:
        return os.stat(place).st_uid  # noqa: PTH116 - asked of every process there is
    except OSError:
        return -1


def _threads(place: str) -> int:
    """The folder of its threads has two more links than it has threads (``proc_task_getattr`` of Linux)."""
    try:
        return max(os.stat(f"{place}/task").st_nlink - 2, 0)  # noqa: PTH116 - asked of many processes
    except OSError:
        return 0


def _stat(place: str) -> list[str]:
    """The fields of ``stat`` from the state on; none for a process that is gone."""
    try:
        text = Path(f"{place}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


async def watch(pid: int, most: int) -> None:
    """Return, the group of ``pid`` killed, once its session has more than ``most`` processes."""

    def of_session(place: str) -> bool:
        fields = _stat(place)
        return bool(fields) and fields[3] == str(pid)

    crowded = False
    while not crowded:
        await asyncio.sleep(EVERY)
        crowded = len(left(of_session, pid)) > most
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)

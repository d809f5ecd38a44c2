"""Bounds how many processes one command may become: by the kernel where it counts them, and by looking."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from hutch.processes.leftover import each, marked

EVERY = 0.1
"""Seconds between two looks."""


@contextmanager
def bounded(most: int) -> Iterator[None]:
    """What is started in the block may have ``most`` more tasks than our user has now; we ourselves as many as before.

    It is begun with the bound, so nothing can be forked before there is one. The kernel counts the tasks of a user,
    and none of root's; 0 is no bound.
    """
    if not most or not hasattr(resource, "RLIMIT_NPROC"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    wanted = _tasks_of(os.getuid()) + most
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (min(wanted, *_bounds(soft, hard)), hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))


def keep(pid: int) -> None:
    """``pid`` cannot widen by itself the bound that it was begun with."""
    with suppress(OSError, ValueError, AttributeError):
        soft, _ = resource.prlimit(pid, resource.RLIMIT_NPROC)
        resource.prlimit(pid, resource.RLIMIT_NPROC, (soft, soft))


def _bounds(*limits: int) -> list[int]:
    return [limit for limit in limits if limit != resource.RLIM_INFINITY]


def _tasks_of(user: int) -> int:
    """How many threads the user has."""
    return sum(_threads(f"/proc/{pid}") for pid in each(lambda place: _owner(place) == user))


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


async def watch(pid: int, most: int, own: str) -> None:
    """Return, the group of ``pid`` killed, once its session and what carries its mark are more than ``most``."""
    carries = marked(own)

    def counted(place: str) -> bool:
        fields = _stat(place)
        return bool(fields) and (fields[3] == str(pid) or carries(place))

    crowded = False
    while not crowded:
        await asyncio.sleep(EVERY)
        crowded = len(list(islice(each(counted, pid), most + 1))) > most
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)

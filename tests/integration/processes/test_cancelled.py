"""A command whose caller is cancelled at any of its waits, and again at each later one, is ended all the same."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine, Generator
from pathlib import Path
from types import coroutine
from typing import Any

import pytest

from hutch.processes import Ended, run_group
from hutch.processes.guard import guard
from hutch.processes.leftover import inside, left

MOST = 40
"""Waits that no command here needs."""


@coroutine
def bothered(work: Coroutine[Any, Any, Ended], first: int, met: list[int]) -> Generator[Any, Any, Ended]:
    """Run it, and cancel it at its wait number ``first`` and at every later one; ``met`` gets the numbers."""
    number, error = 0, None
    while True:
        try:
            future = work.throw(error) if error else work.send(None)
        except StopIteration as end:
            ended: Ended = end.value
            return ended
        number, error = number + 1, None
        if number >= first:
            met.append(number)
            task = asyncio.current_task()
            assert task
            task.cancel()
        try:
            yield future
        except asyncio.CancelledError as cancelled:
            error = cancelled


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[str]:
    """Ours, also those that ended and that nobody collected; not the watchdog, which stays."""
    found = set(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())
    return found - {str(guard.pid)}


HANGS = "echo begun; sleep 600"
LEAVES = "setsid sh -c 'sleep 600' & echo begun"
"""Ends by itself, and leaves a process that has to be chased."""


@pytest.mark.parametrize(
    ("line", "seconds", "most"),
    [(HANGS, 600.0, 0), (HANGS, 0.1, 0), (LEAVES, 600.0, 0), (HANGS, 600.0, 20), (LEAVES, 600.0, 20)],
    ids=["hangs", "takes-too-long", "leaves", "hangs-bounded", "leaves-bounded"],
)
@pytest.mark.filterwarnings("error")
async def test_cancelled_at_any_of_its_waits_it_leaves_nothing(
    tmp_path: Path, line: str, seconds: float, most: int
) -> None:
    await run_group(["true"], dict(os.environ), "/", 20, 1000, 1.0)  # the watchdog is there, and the thread
    await asyncio.to_thread(int)
    for first in range(1, MOST):
        before, here, met = descriptors(), children(), list[int]()
        work = run_group(
            ["sh", "-c", line], dict(os.environ), str(tmp_path), seconds, 1000, 0.5, most=most, scratch=True
        )
        task = asyncio.create_task(bothered(work, first, met))
        await asyncio.wait({task}, timeout=60)
        assert task.done()
        gc.collect()  # a process that was dropped while it runs would warn here
        assert (left(inside(str(tmp_path))), children() - here) == ([], set())
        await asyncio.sleep(0)
        assert descriptors() <= before
        if not met:
            assert first > 1, "it never waited"
            assert task.result().output == b"begun\n"
            return
        assert task.cancelled()
        if line == HANGS and seconds == 600.0:
            return  # it waits without end but for us
    raise AssertionError("it never came through")

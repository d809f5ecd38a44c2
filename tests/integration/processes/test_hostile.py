"""Lines that fork, hang, hide and flood, for real: they end in time, nothing of them is left, and we stay awake.

They run as an ordinary user in a scratch folder, each with a time limit.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hutch.ports import hearing
from hutch.processes import Ended, run_group
from hutch.processes.leftover import inside, left

LINES = [
    line.split(" | ", 1)
    for line in (Path(__file__).parents[2] / "data/shell/hostile.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
ORDINARY = 61_234  # of nobody else: the embedded servers are many, and run as `nobody`
"""Who runs them where we are root."""

SECONDS = 0.8
"""What each may take."""

AS_ORDINARY = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--no-new-privs"]
DROP = AS_ORDINARY if os.getuid() == 0 else []
pytestmark = pytest.mark.skipif(bool(DROP) and shutil.which("setpriv") is None, reason="setpriv is not installed")


async def awake(longest: list[float]) -> None:
    """Notes the longest time that the event loop let us wait beyond what we asked for."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.02)
        longest.append(time.monotonic() - before - 0.02)


def settled() -> None:
    """Wait until what an earlier line forked is gone from the kernel's count, or its bound would meet this one."""
    for _ in range(400):
        owned = 0
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                owned += place.stat().st_uid == ORDINARY
        if owned < 100:
            return
        time.sleep(0.05)


async def ran(line: str, folder: Path) -> tuple[Ended, float]:
    folder.chmod(0o777)
    gaps: list[float] = [0.0]
    watch = asyncio.create_task(awake(gaps))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    argv = [*DROP, "bash", "--noprofile", "--norc", "-c", line]
    try:
        return await run_group(argv, env, str(folder), SECONDS, 65536, 0.3, most=64, scratch=True), max(gaps)
    finally:
        watch.cancel()


@pytest.mark.parametrize(("fate", "line"), LINES, ids=[line for _, line in LINES])
async def test_it_ends_in_time_and_leaves_nothing(fate: str, line: str, tmp_path: Path) -> None:
    settled()
    before, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended, gap = await ran(line, tmp_path)
    took = time.monotonic() - before
    assert took < SECONDS + 4, took
    if fate != "any":  # a line that forks without end may find no room and be over by itself, or be ended
        assert (ended.timed_out or ended.crowded) == (fate == "ends"), ended
    assert left(inside(str(tmp_path))) == []
    assert len(ended.output) <= 65536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 * 1024, "memory grew by 64 MB"
    assert gap < 1.0, f"the event loop stood still for {gap} s"


async def test_a_flood_is_heard_in_pieces_and_kept_by_its_end(tmp_path: Path) -> None:
    heard: list[int] = []
    token = hearing.set(lambda text: heard.append(len(text)))
    try:
        ended, gap = await ran("yes", tmp_path)
    finally:
        hearing.reset(token)
    assert ended.timed_out and ended.output.endswith(b"y\ny\n") and len(ended.output) == 65536
    assert sum(heard) == ended.left_out + 65536
    assert max(heard) <= 65536
    assert gap < 0.5

"""What a command started ends with us: also when we are killed, and also when our watchdog is killed with us."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hutch.processes import end_left_behind, mark, run_group
from hutch.processes.guard import guard
from hutch.processes.leftover import inside, left

CHILD = """
import asyncio, json, sys
from hutch.processes import run_group
from hutch.processes.guard import guard

async def main():
    text = "sleep 600 & setsid sh -c 'sleep 600' & echo ready > ready; sleep 600"
    running = asyncio.create_task(run_group(["sh", "-c", text], {"PATH": sys.argv[2]}, sys.argv[1], 600, 1000, 1.0))
    while not guard.pid:
        await asyncio.sleep(0.01)
    print(json.dumps({"watchdog": guard.pid}), flush=True)
    await running

asyncio.run(main())
"""


def begun(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that runs a command in ``folder``, and its watchdog."""
    argv = [sys.executable, "-c", CHILD, str(folder), os.environ["PATH"]]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    watchdog = json.loads(child.stdout.readline())["watchdog"]
    until(lambda: (folder / "ready").exists() and len(running(folder)) >= 4)
    return child, watchdog


def running(folder: Path) -> list[int]:
    return left(inside(str(folder)))


def until(holds: object, seconds: float = 10.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def killed(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait(10)
    assert child.stdout
    child.stdout.close()


def test_killed_without_warning_nothing_is_left(tmp_path: Path) -> None:
    child, watchdog = begun(tmp_path)
    killed(child)
    until(lambda: not running(tmp_path))
    until(lambda: not mark.started(watchdog) or zombie(watchdog))


def zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_a_dead_one_and_its_dead_watchdog_left_is_ended_by_the_next(tmp_path: Path) -> None:
    child, watchdog = begun(tmp_path)
    os.kill(watchdog, signal.SIGKILL)
    killed(child)
    assert len(running(tmp_path)) >= 4
    assert end_left_behind() >= 4
    until(lambda: not running(tmp_path))


async def test_what_runs_under_a_living_one_is_not_left_behind(tmp_path: Path) -> None:
    command = asyncio.create_task(run_group(["sleep", "1"], dict(os.environ), str(tmp_path), 20, 1000, 1.0))
    await asyncio.sleep(0.3)
    assert await asyncio.to_thread(end_left_behind) == 0
    assert (await command).code == 0


async def test_a_watchdog_that_was_killed_is_started_anew(tmp_path: Path) -> None:
    async def once() -> None:
        await run_group(["true"], dict(os.environ), str(tmp_path), 20, 1000, 1.0)

    await once()
    first = guard.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: zombie(first))
    await once()
    await once()
    assert guard.pid != first and mark.started(guard.pid)


@pytest.mark.parametrize(
    "value", ["", "x", "here.1.1.1", f"{mark.place()}.1", f"elsewhere.{2**22 - 1}.5.1", f"{mark.place()}.x.5.1"]
)
def test_a_mark_that_tells_nothing_is_nobodys_to_end(value: str) -> None:
    assert not mark.orphaned(value)


def test_the_mark_of_one_that_is_gone() -> None:
    assert mark.orphaned(f"{mark.place()}.{2**22 - 1}.5.1")
    assert mark.orphaned(f"{mark.place()}.{os.getpid()}.5.1"), "the number has another process by now"
    assert not mark.orphaned(mark.new())

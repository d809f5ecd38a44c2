"""One command as a process group with a bounded time, output and crowd."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from hutch.processes import crowd, leftover, mark
from hutch.processes.ending import end_of
from hutch.processes.firm import Firm, firm
from hutch.processes.guard import guard
from hutch.processes.output import Output
from hutch.processes.tail import Tail

DRAIN = 1.0
"""Seconds to wait for the rest of the output once the group is gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: the exit code (negative: the signal), the last bytes of output and how many came before them.

    ``crowded``: it was killed since it became too many processes.
    """

    code: int
    output: bytes
    left_out: int
    timed_out: bool
    crowded: bool = False


async def run_group(
    argv: Sequence[str],
    env: Mapping[str, str],
    directory: str,
    timeout: float,
    limit: int,
    grace: float,
    *,
    most: int = 0,
    scratch: bool = False,
) -> Ended:
    """Run ``argv`` without a shell and without input, output and errors together; then end what it left behind.

    After ``timeout`` seconds the group is asked to end and, ``grace`` seconds later, killed; when we are cancelled it
    is killed at once, and collected though we are cancelled again; when we are killed, soon after. ``most`` bounds its
    processes, 0 is any number; ``scratch``: nobody else works in ``directory``. Raises ``OSError`` when the program
    cannot be started.
    """
    own = mark.new()
    with crowd.bounded(most):
        process, descriptor = _started(argv, {**env, mark.VARIABLE: own}, directory)
    tail = Tail(limit)
    output, ended = Output(descriptor, tail), end_of(process)
    timed_out = False
    try:
        async with _watched(process.pid, most, own) as watching:
            timed_out = not await _within(ended, timeout)
            if timed_out:
                _signal(process.pid, signal.SIGTERM)
                await _within(ended, grace)
    finally:
        with firm() as waits:  # whoever cancels us twice would else leave a process that nobody collects
            _signal(process.pid, signal.SIGKILL)
            await waits.wait(ended)
            await _end_rest(waits, own, process.pid, directory if scratch else "")
            process.wait()
            guard.remove(process.pid)
            await output.rest(waits, DRAIN)
    crowded = watching is not None and watching.done() and not watching.cancelled()
    return Ended(process.returncode, tail.kept(), tail.left_out, timed_out, crowded)


def _started(argv: Sequence[str], env: Mapping[str, str], directory: str) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and the end of the pipe that its output is read from. Raises ``OSError``."""
    reading, writing = os.pipe()
    process = None
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, env=env, cwd=directory,
            start_new_session=True,
        )  # fmt: skip
        guard.add(process.pid)
    finally:
        os.close(writing)
        if process is None:
            os.close(reading)
    return process, reading


@asynccontextmanager
async def _watched(pid: int, most: int, own: str) -> AsyncIterator[asyncio.Task[None] | None]:
    """While the block lasts, the command is bounded to ``most`` processes."""
    if not most:
        yield None
        return
    crowd.keep(pid)
    watching = asyncio.create_task(crowd.watch(pid, most, own))
    try:
        yield watching
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _end_rest(waits: Firm, own: str, pid: int, folder: str) -> None:
    """End what left the group. Chasing is left to a thread; mostly there is nothing to chase."""
    carries = leftover.marked(own)
    here = leftover.inside(folder) if folder else carries

    def wanted(place: str) -> bool:
        return carries(place) or here(place)

    if leftover.left(wanted, pid):
        ending = asyncio.get_running_loop().run_in_executor(None, leftover.end, wanted, pid)
        await waits.wait(ending)
        ending.result()


async def _within(ended: asyncio.Future[None], seconds: float) -> bool:
    done, _ = await asyncio.wait({ended}, timeout=seconds)
    return bool(done)


def _signal(group: int, number: int) -> None:
    """Send to every process of the group, if there is one left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)

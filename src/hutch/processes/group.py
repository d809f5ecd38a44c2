"""One command as a process group with a bounded time, output and crowd."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from hutch.ports import said
from hutch.processes import crowd, leftover, mark
from hutch.processes.guard import guard
from hutch.processes.tail import Tail

CHUNK = 65536
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
    is killed at once; when we are killed, soon after. ``most`` bounds its processes, 0 is any number; ``scratch``:
    nobody else works in ``directory``. Raises ``OSError`` when the program cannot be started.
    """
    own = mark.new()
    reading, writing = os.pipe()
    process = None
    try:
        process = await _started(argv, {**env, mark.VARIABLE: own}, directory, writing)
    finally:
        os.close(writing)
        if process is None:
            os.close(reading)
    tail = Tail(limit)
    collecting = asyncio.create_task(_collect(reading, tail))
    timed_out = False
    try:
        async with _watched(process.pid, most) as watching:
            timed_out = not await _ends_within(process, timeout)
            if timed_out:
                await _ask_to_end(process, grace)
    finally:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
        await asyncio.shield(_end_rest(own, process.pid, directory if scratch else ""))
        guard.remove(process.pid)
        await _finish(collecting)
    crowded = watching is not None and watching.done() and not watching.cancelled()
    return Ended(process.returncode or 0, tail.kept(), tail.left_out, timed_out, crowded)


async def _started(
    argv: Sequence[str], env: Mapping[str, str], directory: str, output: int
) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=dict(env), cwd=directory,
        start_new_session=True,
    )  # fmt: skip
    guard.add(process.pid)
    return process


@asynccontextmanager
async def _watched(pid: int, most: int) -> AsyncIterator[asyncio.Task[None] | None]:
    """While the block lasts, the command is bounded to ``most`` processes."""
    if not most:
        yield None
        return
    crowd.bound(pid, most)
    watching = asyncio.create_task(crowd.watch(pid, most))
    try:
        yield watching
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _end_rest(own: str, pid: int, folder: str) -> None:
    """End what left the group. Chasing is left to a thread; mostly there is nothing to chase."""
    carries = leftover.marked(own)
    here = leftover.inside(folder) if folder else carries

    def wanted(place: str) -> bool:
        return carries(place) or here(place)

    if leftover.left(wanted, pid):
        await asyncio.to_thread(leftover.end, wanted, pid)


async def _ends_within(process: asyncio.subprocess.Process, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _ask_to_end(process: asyncio.subprocess.Process, grace: float) -> None:
    """SIGTERM to the whole group; returns when its first process has ended or the grace is over."""
    _signal(process.pid, signal.SIGTERM)
    await _ends_within(process, grace)


async def _finish(collecting: asyncio.Task[None]) -> None:
    """Wait for the rest of the output, but not for a program that left the group and still holds the pipe."""
    await asyncio.wait({collecting}, timeout=DRAIN)
    collecting.cancel()
    with suppress(asyncio.CancelledError):
        await collecting


def _signal(group: int, number: int) -> None:
    """Send to every process of the group, if there is one left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


async def _collect(descriptor: int, tail: Tail) -> None:
    """Read the pipe to its end, which comes when the last process that holds it is gone."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    reader = asyncio.StreamReader(limit=CHUNK)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb", 0))
    try:
        while part := await reader.read(CHUNK):
            tail.add(part)
            said(decoder.decode(part))
    finally:
        transport.close()

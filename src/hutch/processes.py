"""Programs as bounded processes, for every provider that runs one: a group that never outlives its time.

A program that leaves its group (``setsid``) is out of reach here.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hutch.ports import said

CHUNK = 65536
DRAIN = 1.0
"""Seconds to wait for the rest of the output once the group is gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: the exit code (negative: the signal), the last bytes of output and how many came before them."""

    code: int
    output: bytes
    left_out: int
    timed_out: bool


async def run_group(
    argv: Sequence[str], env: Mapping[str, str], directory: str, timeout: float, limit: int, grace: float
) -> Ended:
    """Run ``argv`` without a shell and without input, output and errors together; then end what it left behind.

    After ``timeout`` seconds the group is asked to end and, ``grace`` seconds later, killed; when we are cancelled it
    is killed at once. Raises ``OSError`` when the program cannot be started.
    """
    reading, writing = os.pipe()
    started = False
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=writing, stderr=writing, env=dict(env), cwd=directory,
            start_new_session=True,
        )  # fmt: skip
        started = True
    finally:
        os.close(writing)
        if not started:
            os.close(reading)
    tail = _Tail(limit)
    collecting = asyncio.create_task(_collect(reading, tail))
    timed_out = False
    try:
        timed_out = not await _ends_within(process, timeout)
        if timed_out:
            await _ask_to_end(process, grace)
    finally:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
        await _finish(collecting)
    return Ended(process.returncode or 0, tail.kept(), tail.left_out, timed_out)


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


class _Tail:
    """The last ``limit`` bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: deque[bytes] = deque()
        self._size = 0
        self.left_out = 0

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        while self._size - len(self._parts[0]) >= self._limit:
            gone = len(self._parts.popleft())
            self._size -= gone
            self.left_out += gone

    def kept(self) -> bytes:
        whole = b"".join(self._parts)
        surplus = max(len(whole) - self._limit, 0)
        self.left_out += surplus
        return whole[surplus:]


async def _collect(descriptor: int, tail: _Tail) -> None:
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

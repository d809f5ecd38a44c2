"""The team's tool as a process of its own group, without a shell, for a bounded time, its last output kept."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

OUTPUT_LIMIT = 16 * 1024
"""Bytes of output that are kept; the last ones."""
GRACE = 5.0
"""Seconds between asking the tool to end and ending it."""
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: exit code (negative: the signal), the end of its output, and whether its time ran out."""

    code: int
    output: str
    timed_out: bool


async def run(argv: Sequence[str], env: Mapping[str, str], seconds: float) -> Ended:
    """Run it to its end. Raises ``OSError`` where it can't be started. Cancelled, it ends the tool as well."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=dict(env), start_new_session=True,
    )  # fmt: skip
    reading = asyncio.create_task(_tail(process))
    timed_out = False
    try:
        timed_out = not await _ends(process, seconds)
        if timed_out:
            _signal(process, signal.SIGTERM)
            await _ends(process, GRACE)
    finally:
        _signal(process, signal.SIGKILL)
        await process.wait()
        await asyncio.wait({reading}, timeout=1.0)
        reading.cancel()
    output = b"" if reading.cancelled() or not reading.done() else reading.result()
    return Ended(process.returncode or 0, output.decode("utf-8", errors="replace"), timed_out)


async def _ends(process: asyncio.subprocess.Process, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _tail(process: asyncio.subprocess.Process) -> bytes:
    kept = b""
    assert process.stdout is not None
    while part := await process.stdout.read(_CHUNK):
        kept = (kept + part)[-OUTPUT_LIMIT:]
    return kept


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

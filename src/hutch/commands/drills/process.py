"""The process that makes a fault: started, heard, and ended so that the fault is undone (the ``Fault`` protocol)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hutch.ports import Fault

ON_WITHIN = 60.0
"""Seconds in which a fault has to stand."""

OFF_WITHIN = 45.0
"""Seconds in which it has to be undone once its standard input has ended."""

TERM_WITHIN = 10.0
"""Seconds that SIGTERM has, where the end of the input did not help."""

REFUSED = 3
"""The exit code of a fault that touched nothing."""

LONGEST_LINE = 1 << 20
"""Bytes of one line that a fault may say."""


class FaultFailed(Exception):
    """The fault could not be made, or not be undone; the text says what its process said."""


class FaultRefused(FaultFailed):
    """The fault touched nothing, since it may not be made here; the text says why."""


class FaultProcess:
    """A running fault. ``log`` is where its standard error goes."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @property
    def ended(self) -> bool:
        """Whether it is no longer there, though nobody asked it to end."""
        return self.process.returncode is not None

    async def on(self) -> Mapping[str, Any]:
        """What it says once it stands. Raises :class:`FaultFailed`."""
        return await self._line("on", ON_WITHIN, "did not stand")

    async def off(self) -> Mapping[str, Any]:
        """Let it be undone; what it counted. Raises :class:`FaultFailed`."""
        self._close_input()
        said = await self._line("off", OFF_WITHIN, "was not undone")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), OFF_WITHIN)
        if self.process.returncode:
            raise FaultFailed(f"{self.name} was not undone: {self._exit()}")
        return said

    async def end(self) -> None:
        """Make sure that it is gone: by the end of its input, else SIGTERM, else SIGKILL to its process group."""
        self._close_input()
        if await self._gone(OFF_WITHIN):
            return
        self.process.terminate()
        if not await self._gone(TERM_WITHIN):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    def said(self) -> str:
        """The last line of its standard error."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def _close_input(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()

    async def _gone(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            return False
        return True

    async def _line(self, state: str, within: float, failure: str) -> Mapping[str, Any]:
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), within)
        except TimeoutError:
            raise FaultFailed(f"{self.name} {failure} within {within:g} s") from None
        except ValueError as error:  # a line past the limit
            raise FaultFailed(f"{self.name} {failure}: {error}") from error
        if not line:
            await self._gone(within)
            if self.process.returncode == REFUSED and state == "on":
                raise FaultRefused(f"{self.name}: {self.said()}")
            raise FaultFailed(f"{self.name} {failure}: {self._exit()}")
        return _said(self.name, line, state)

    def _exit(self) -> str:
        code = self.process.returncode
        how = "its process still runs" if code is None else f"its process ended with exit code {code}"
        return f"{how}: {self.said()}"


def _said(name: str, line: bytes, state: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("state") != state:
        raise FaultFailed(f"{name} said {line[:120]!r} where a JSON object with state {state!r} was expected")
    return found


@asynccontextmanager
async def running(fault: Fault, ready_file: Path, log: Path, seed: int = 1) -> AsyncIterator[FaultProcess]:
    """The fault's process; gone, and so the fault undone, when the block ends. Raises :class:`FaultFailed`.

    ``seed`` reaches it as ``HUTCH_DRILL_SEED``: a fault that has variants makes the same one for the same seed.
    """
    with log.open("wb") as errors:
        try:
            process = await asyncio.create_subprocess_exec(
                *fault.argv(ready_file),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LONGEST_LINE,
                start_new_session=True,
                env={**os.environ, "HUTCH_DRILL_SEED": str(seed)},
            )
        except OSError as error:
            raise FaultFailed(f"{fault.name} could not be started: {error}") from error
    held = FaultProcess(fault.name, process, log)
    try:
        yield held
    finally:
        await held.end()


async def undo(fault: Fault, ready_file: Path) -> str:
    """Undo what a fault's process left behind when it died, where the fault offers a way; what came of it, in words.

    The way is a method ``undo_argv(ready_file)``, which the protocol leaves optional.
    """
    way = getattr(fault, "undo_argv", None)
    if way is None:
        return "it offers no undo_argv: look at the service yourself"
    argv: Sequence[str] = way(ready_file)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), OFF_WITHIN)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return f"its undo did not end within {OFF_WITHIN:g} s"
    told = errors.decode(errors="replace").strip().splitlines()
    return f"its undo failed: {told[-1] if told else 'it said nothing'}" if process.returncode else "undone by its undo"

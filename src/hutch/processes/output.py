"""The output of a command, read as it comes."""

from __future__ import annotations

import asyncio
import codecs
import os

from hutch.ports import said
from hutch.processes.firm import Firm
from hutch.processes.tail import Tail

CHUNK = 65536


class Output:
    """Reads a pipe to its end, which comes when the last process that holds it is gone."""

    def __init__(self, descriptor: int, tail: Tail) -> None:
        self._descriptor, self._tail = descriptor, tail
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)

    async def rest(self, waits: Firm, seconds: float) -> None:
        """Wait so long for the rest, and not for a program that left the group and still holds the pipe."""
        await waits.wait(self._end, seconds)
        self._close()

    def _read(self) -> None:
        try:
            part = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        if not part:
            self._close()
            return
        self._tail.add(part)
        said(self._decoder.decode(part))

    def _close(self) -> None:
        if not self._end.done():
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._end.set_result(None)

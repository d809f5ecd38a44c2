"""A wire before a server that counts what goes over it: requests as they are asked, bytes as they come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65536
ASKS = (b"GET ", b"POST ", b"HEAD ")


@dataclass
class Wire:
    """``asked``: the paths, in order; ``back``: bytes of the answers, with their headers."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    back: int = 0

    def clear(self) -> None:
        """Count anew."""
        self.asked, self.back = [], 0

    async def _asking(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(CHUNK):
            if piece.startswith(ASKS):  # a browser asks anew only once it has the answer: a request begins a piece
                self.asked.append(piece.split(b" ", 2)[1].decode())
            writer.write(piece)
            await writer.drain()

    async def _answering(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(CHUNK):
            self.back += len(piece)
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[Wire]:
    """A port of its own, at ``address``, that leads to ``port``, both on loopback."""
    wire = Wire()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
            ways = [wire._asking(reader, outer), wire._answering(inner, writer)]
            tasks = [asyncio.create_task(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                outer.close()
                writer.close()

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    wire.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()

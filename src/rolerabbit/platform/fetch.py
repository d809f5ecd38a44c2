"""A GET of a loopback address, small enough to need no HTTP library in the platform's process."""

from __future__ import annotations

import asyncio

HOST = "127.0.0.1"


async def get(port: int, path: str, seconds: float) -> tuple[int, str]:
    """Status and body. ConnectionError when nobody answers rightly, TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode("ascii"))
            await writer.drain()
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
    status = head.split(b" ", 2)[1:2]
    if not status or not status[0].isdigit():
        raise ConnectionError(f"the answer of {HOST}:{port} is no HTTP")
    return int(status[0]), body.decode("utf-8", errors="replace")

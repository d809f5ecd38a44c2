"""What messages really reach in the tests: an SMTP server and a receiver of webhooks, on loopback and free ports."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """An SMTP server that keeps what it takes. ``answers`` are given first, one a mail; then it takes all."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    slow: float = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail; ``slow`` seconds pass between taking it and saying so."""
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        await asyncio.sleep(self.slow)
        return "250 taken"

    @property
    def ids(self) -> list[str]:
        """The id of each mail that was taken."""
        return [str(m["X-Hutch-Message"]) for m in self.mails]


@asynccontextmanager
async def mailbox(**given: Any) -> AsyncIterator[Mailbox]:
    """A mail server for as long as the block lasts."""
    box = Mailbox(**given)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, loop=loop, hostname="sink.example"), "127.0.0.1", box.port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


@dataclass(frozen=True)
class Received:
    """One request that was posted."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON."""
        found: dict[str, Any] = json.loads(self.raw)
        return found


@dataclass
class Hook:
    """A receiver of webhooks. ``answers`` are the statuses of the first requests; then 202."""

    port: int = 0
    got: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:]) if v}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append(Received(head[0].split(" ")[1], headers, raw))
        status = self.answers.pop(0) if self.answers else 202
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def hook(**given: Any) -> AsyncIterator[Hook]:
    """A receiver for as long as the block lasts."""
    one = Hook(**given)
    server = await asyncio.start_server(one.serve, "127.0.0.1", one.port)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        await server.wait_closed()

"""A mail server for the letters of a breach: it takes all, and says to whom, and which."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """A mail server in a thread of its own; what it took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.subjects: list[tuple[str, str]] = []
        self.bodies: set[str] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._met: list[SMTP] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content)
        self.taken.append((envelope.rcpt_tos[0], str(mail["Message-ID"])))
        self.subjects.append((envelope.rcpt_tos[0], str(mail["Subject"])))
        self.bodies.add(str(mail.get_payload()))
        return "250 taken"

    def run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(self._meet, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(self._part())
        self._loop.close()

    def _meet(self) -> SMTP:
        self._met.append(SMTP(self, loop=self._loop))
        return self._met[-1]

    async def _part(self) -> None:
        """Who keeps its connection for the next letter is still there, and so is what a killed sender left; who was
        just let in has no transport before its turn came."""
        await asyncio.sleep(0.05)
        for one in self._met:
            if one.transport:
                one.transport.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports are closed in the turn after

    def stop(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def sinking() -> Iterator[Sink]:
    """One that takes letters while the block lasts."""
    found = Sink()
    thread = threading.Thread(target=found.run)
    thread.start()
    while not found.port:
        time.sleep(0.01)
    try:
        yield found
    finally:
        found.stop()
        thread.join()

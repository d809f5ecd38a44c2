"""``python -m bench.mailbox FILE``: a mail server in a process of its own, which writes down who got which letter.

It says its port on standard output, and ends when standard input does. A letter is written before it is taken, so what
the sender believes to be taken stands in the file.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from aiosmtpd.smtp import SMTP

ID = re.compile(rb"^Message-ID: <([^>]*)>", re.M | re.I)


class Keeper:
    """Writes a line for each letter: recipient, tab, id."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """One letter."""
        found = ID.search(envelope.content)
        self._out.write(f"{envelope.rcpt_tos[0]}\t{found[1].decode() if found else ''}\n")
        self._out.flush()
        return "250 taken"


async def keep(path: Path) -> None:
    """Until standard input ends."""
    with path.open("a") as out:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Keeper(out), hostname="sink.example"), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def mailbox(path: Path) -> Iterator[int]:
    """The port of a mail server that writes what it takes to ``path``."""
    command = (sys.executable, "-m", "bench.mailbox", str(path))
    folder = Path(__file__).parents[1]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1])))

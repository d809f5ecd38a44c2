"""Waits for the end of a process without collecting it: its number stays its group's alone until we are done."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from contextlib import suppress


def end_of(process: subprocess.Popen[bytes]) -> asyncio.Future[None]:
    """Done when the process has ended.

    By a descriptor of the process where the system has them (Linux): no thread has to wait for each one.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    try:
        watched = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        threading.Thread(target=_wait_for, args=(process, loop, ended), daemon=True).start()
        return ended

    def over() -> None:
        loop.remove_reader(watched)
        os.close(watched)
        _settle(ended)

    loop.add_reader(watched, over)
    return ended


def _wait_for(process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
    process.wait()
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, ended)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)

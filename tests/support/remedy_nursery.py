"""Forks one process after another that applies a remedy and is killed by SIGKILL at a chosen step. Run as a program.

Reads a JSON line for each: ``{"settings": …, "action": …, "args": …, "at": N, "when": "before"}``. A step is one
statement on a changing login's connection (0: never killed); ``when`` is before it is sent, during (it was sent, and no
answer was read), or after its answer. Answers ``{"killed": …, "steps": N, "outcome": …}``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from nursery import serve

READER = "watcher"
SENT_MS = 150
"""Milliseconds after sending at which a statement that waits is certainly under way."""


def doom(at: int, when: str, notes: int) -> None:
    """Every statement of a changing login is counted; this process ends beside the chosen one."""
    real = psycopg.AsyncCursor.execute
    count = 0

    async def execute(cursor: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        if cursor.connection.info.user == READER:
            return await real(cursor, *args, **kwargs)
        count += 1
        mine = count
        os.write(notes, b"step\n")
        if mine == at and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if mine == at and when == "during":
            asyncio.get_running_loop().call_later(SENT_MS / 1000, os.kill, os.getpid(), signal.SIGKILL)
        found = await real(cursor, *args, **kwargs)
        if mine == at and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    psycopg.AsyncCursor.execute = execute  # type: ignore[method-assign]


async def apply(order: dict[str, Any]) -> str:
    """Open the target and apply the one action."""
    connection = provider.open(TargetConfig("shop", order["settings"], lambda: datetime.now(UTC)))
    try:
        outcome = await connection.actions[f"postgres.{order['action']}"].apply(order["args"])
    finally:
        await connection.close()
    return f"{outcome.result.value}: {outcome.summary}"


def child(order: dict[str, Any], notes: int) -> None:
    """One attempt, doomed or not."""
    doom(order["at"], order["when"], notes)
    os.write(notes, (asyncio.run(apply(order)) + "\n").encode())


def answer(told: Sequence[str], _status: int) -> dict[str, Any]:
    """How many steps there were, and the outcome of one that lived."""
    return {"steps": told.count("step"), "outcome": next((t for t in told if t != "step"), "")}


if __name__ == "__main__":
    serve(child, answer)

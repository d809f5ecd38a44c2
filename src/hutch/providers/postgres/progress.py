"""How far a long statement is, told as it goes: the server's pg_stat_progress views, asked by the reading login."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from hutch.ports import said
from hutch.providers.postgres.client import Client, Row, Session
from hutch.providers.postgres.errors import PostgresError
from hutch.providers.postgres.queries import query

T = TypeVar("T")
EVERY = 1.0
"""Seconds between two looks."""


async def watched(client: Client, session: Session, name: str, work: Awaitable[T]) -> T:
    """The result of ``work``, whose progress is told meanwhile by the query of that name; "" for none."""
    if not name:
        return await work
    telling = asyncio.create_task(_tell(client, session.info.backend_pid, name))
    try:
        return await work
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def _tell(client: Client, pid: int, name: str) -> None:
    """A line whenever there is something new; what can't be seen is not told."""
    told = ""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(PostgresError):
            rows = await client.rows(query(name), {"pid": pid})
            line = progress_line(rows[0]) if rows else ""
            if line and line != told:
                said(f"{line}\n")
                told = line


def progress_line(row: Row) -> str:
    """One look for people: the phase, and how much of it is done where the server knows.

    >>> progress_line({"object": "visits", "phase": "scanning heap", "done": 512, "total": 2048, "unit": "blocks"})
    'visits: scanning heap, 25 % (512 of 2048 blocks)'
    """
    total, part = int(row["total"] or 0), int(row["done"] or 0)
    share = f", {100 * part // total} % ({part} of {total} {row['unit']})" if total else ""
    return f"{row['object']}: {row['phase']}{share}"

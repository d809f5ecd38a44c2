"""Connections of recovery: names are quoted, values bound by number, no search path, and time limits of the server."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from hutch.patience import MARGIN, Patient
from hutch.providers.backup.errors import BackupError, said, unreached

Row = dict[str, Any]
Session = Patient
APPLICATION = "hutch recover"
_TEMPORARY = ("08", "53", "55P03", "57", "40")

_LIMITS = (
    "select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
    " set_config('idle_in_transaction_session_timeout', $3, false), set_config('search_path', '', false),"
    " set_config('row_security', 'off', false)"
)
IDLE_MARGIN = 60.0
"""Seconds beyond a statement's own limit after which the server ends a transaction that we have forgotten."""


@asynccontextmanager
async def opened(url: str, where: str, statement: float, lock: float, connect: float = 5.0) -> AsyncIterator[Session]:
    """A connection in autocommit; limits in seconds. :class:`BackupError` when it is refused or something fails."""
    try:
        session = await Patient.connect(
            url, autocommit=True, application_name=APPLICATION, connect_timeout=math.ceil(connect),
            client_encoding="utf8", cursor_factory=psycopg.AsyncRawCursor,
        )  # fmt: skip
    except psycopg.Error as error:
        raise unreached(error, where) from None
    try:
        limits = [_ms(statement), _ms(lock), _ms(statement + IDLE_MARGIN)]
        session.patience = statement + MARGIN
        await session.execute(_LIMITS, limits)
        yield session
    except psycopg.Error as error:
        raise failure(error, where) from error
    finally:
        await session.close()


def failure(error: psycopg.Error, where: str) -> BackupError:
    """A failed statement in words."""
    state = error.sqlstate or ""
    return BackupError(f"{where}: {said(error)}", passing=not state or state.startswith(_TEMPORARY))


async def rows(session: Session, statement: sql.Composed, params: Sequence[object] = ()) -> list[Row]:
    """All rows by column name."""
    cursor = session.cursor(row_factory=dict_row)
    await cursor.execute(statement, params or None)
    return await cursor.fetchall()


async def done(session: Session, statement: sql.Composed, params: Sequence[object] = ()) -> int:
    """How many rows a statement hit."""
    return max((await session.execute(statement, params or None)).rowcount, 0)


async def poured(source: Session, out: sql.Composed, target: Session, into: sql.Composed) -> None:
    """What COPY gives on one side goes in on the other, a piece at a time."""
    async with source.cursor().copy(out) as giving, target.cursor().copy(into) as taking:
        async for piece in giving:
            await taking.write(piece)


def _ms(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))

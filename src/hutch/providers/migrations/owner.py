"""The session of the schema's owner: one at a time, by an advisory lock; short waits for locks; its words masked."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from hutch.patience import MARGIN, Patient
from hutch.providers.migrations.client import MigrationsError, masked, place
from hutch.providers.migrations.config import Config
from hutch.providers.migrations.queries import query

LOCK = 0x6875_7463_6D69_6772
"""The key of the advisory lock that keeps two of us apart, whatever the tool."""
APPLICATION = "hutch-migrate"
NO_OWNER = "no changes here: services.*.migrations.owner_url is not set; set it to the login that owns the schema"
IDLE = "idle_in_transaction_session_timeout"
"""So long at most the server keeps the locks of a transaction whose client was cut off unnoticed."""
LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

Session = Patient
Statement = tuple[sql.Composed, Mapping[str, object]]


class Held(MigrationsError):
    """Somebody else migrates; nothing was done."""


@asynccontextmanager
async def only_runner(config: Config, *, own_tool: bool = False) -> AsyncIterator[Session]:
    """The owner's session, in autocommit, alone with the lock. ``own_tool``: we are in the tool's place and hold its
    lock (``lock_key``) as well. Raises :class:`Held`, or :class:`MigrationsError` where there is no connection."""
    session = await _open(config)
    try:
        try:
            for key in (LOCK, *((config.lock_key,) if own_tool and config.lock_key is not None else ())):
                await _lock(session, key)
        except psycopg.Error as error:
            raise MigrationsError(f"{place(config.owner_url)}: {said_by(error)}") from None
        yield session
    finally:
        with suppress(psycopg.Error):
            await session.close()


async def _lock(session: Session, key: int) -> None:
    async with session.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query("lock"), {"key": key})
        row = await cursor.fetchone()
        if row is None or not row["got"]:
            await cursor.execute(query("holder"), {"key": key})
            who = ", ".join(f"{r['pid']} {r['application']}".strip() for r in await cursor.fetchall())
            raise Held(f"another migration is running (session {who or 'just ended'}): wait for it, then try again")


async def _open(config: Config) -> Session:
    if not config.owner_url:
        raise MigrationsError(NO_OWNER)
    most = config.command_timeout
    limits = {"lock_timeout": config.lock_timeout, "statement_timeout": most, IDLE: most + MARGIN}
    try:
        session = await Patient.connect(
            config.owner_url,
            autocommit=True,
            application_name=APPLICATION,
            connect_timeout=math.ceil(config.connect_timeout),
            prepare_threshold=None,
            client_encoding="utf8",
            options=" ".join(f"-c {name}={seconds * 1000:.0f}" for name, seconds in limits.items()),
        )
    except psycopg.Error as error:
        raise MigrationsError(f"{place(config.owner_url)}: {said_by(error)}") from None
    session.patience = config.command_timeout + MARGIN
    return session


async def write(session: Session, statements: Sequence[Statement]) -> list[int]:
    """These statements, in whatever transaction is open; how many rows each touched."""
    return [(await session.execute(statement, params)).rowcount for statement, params in statements]


def said_by(error: BaseException) -> str:
    """The server's words on one line, without passwords."""
    return masked(" ".join(str(error).split())) or type(error).__name__

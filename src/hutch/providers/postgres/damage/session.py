"""A connection to a database that may be damaged: it uses no index where it can do without, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from hutch.patience import MARGIN, Patient
from hutch.providers.postgres.client import APPLICATION
from hutch.providers.postgres.damage.config import DamageConfig
from hutch.providers.postgres.errors import PostgresError, failed, place, refused
from hutch.providers.postgres.queries import query

Session = Patient
Row = dict[str, Any]

NO_INDEX = (
    "set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off; set search_path = ''; "
    "set row_security = off; set lock_timeout = '5s'; set default_transaction_read_only = on; "
    "set max_parallel_workers_per_gather = 0; set synchronize_seqscans = off"
)
CONNECT_WITHIN = 5
"""Seconds to wait for a connection."""
BACK_WITHIN = 60.0
"""Seconds that a server which went down gets to come back."""
DAMAGED = ("XX000", "XX001", "XX002", "58P01", "58030", "22021", "22P05", "22000", "53200", "54000", "22003")
"""SQLSTATEs of what can't be read: data or index corrupted, internal errors, missing files, reads that fail, texts that
are none in this encoding, lengths and numbers that make no sense."""


async def connect(config: DamageConfig, *, without_system_indexes: bool = False) -> Session:
    """A new session. :class:`PostgresError`."""
    where, _ = place(config.url)
    options = "-c ignore_system_indexes=on" if without_system_indexes else None
    async with AsyncExitStack() as unless_ready:
        try:
            session = await Patient.connect(
                make_conninfo(config.url, options=options), autocommit=True,
                application_name=APPLICATION, connect_timeout=CONNECT_WITHIN,
                client_encoding="utf8",
            )  # fmt: skip
            unless_ready.push_async_callback(closed, session)
            session.patience = config.timeout + MARGIN
            await session.execute(NO_INDEX)
            await session.execute(f"set statement_timeout = {round(config.timeout * 1000)}".encode())
        except psycopg.Error as error:
            raise refused(error, where) from None
        unless_ready.pop_all()
        return session


async def again(config: DamageConfig) -> Session:
    """A session once the server that went down is back. :class:`PostgresError` when it does not come back."""
    deadline = asyncio.get_running_loop().time() + BACK_WITHIN
    while True:
        try:
            return await connect(config)
        except PostgresError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.5)


@asynccontextmanager
async def opened(config: DamageConfig) -> AsyncIterator[Session]:
    """A session for a block; what fails in it is a :class:`PostgresError`."""
    session = await connect(config)
    try:
        yield session
    except psycopg.Error as error:
        raise failed(error, place(config.url)[0], lost=session.closed) from error
    finally:
        await closed(session)


async def closed(session: Session) -> None:
    """Close it, whatever state it is in."""
    with suppress(psycopg.Error):
        await session.close()


async def rows(session: Session, name: str, params: dict[str, object] | None = None) -> list[Row]:
    """All rows of one of our own queries."""
    cursor = session.cursor(row_factory=dict_row)
    await cursor.execute(query(name).encode(), params)
    return await cursor.fetchall()


def is_damage(error: psycopg.Error) -> bool:
    """Whether an error says that something stored can't be read."""
    return (error.sqlstate or "") in DAMAGED


def is_loss(error: psycopg.Error, session: Session) -> bool:
    """Whether the server went down, or dropped us."""
    return session.closed or error.sqlstate is None or error.sqlstate.startswith("57P")


def one_line(error: BaseException) -> str:
    """What the server says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__

"""Scratch databases: made under a name of their own, always dropped, and found and dropped later when we were killed.

Nothing else is ever touched on the server: a scratch database is new, and its name has our prefix.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hutch.providers.backup import server
from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.queries import query

PREFIX = "hutch_scratch_"
"""What the name of every scratch database begins with."""
MAKING = 600.0
"""Seconds that a database may take to come into being, or to go."""
SPACE = sql.Literal(0x48534352)
"""The first half of the lock that says that a scratch database is in use ("HSCR")."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A scratch database while it is there. ``url`` holds the password."""

    name: str
    url: str = field(repr=False)
    version: int  # server_version_num


@asynccontextmanager
async def scratch(url: str, timeout: float = 5.0) -> AsyncIterator[Scratch]:
    """A new, empty database on the server of ``url``, dropped at the end whatever happens; leftovers are dropped first.

    Raises :class:`BackupError`: the login needs CREATEDB.
    """
    name = f"{PREFIX}{datetime.now(UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(3)}"
    async with server.connected(url, timeout, MAKING) as session:
        await _swept(session)
        await session.execute("SET idle_session_timeout = 0")
        await session.execute(query("scratch_lock", space=SPACE, database=sql.Literal(name)))
        version = int((await server.one(session, query("identity")))["version"])
        try:
            await session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            raise BackupError(
                f"{server.place(url)}: this login may not create a database: give it CREATEDB, or name another server"
                " and login by scratch_url"
            ) from None
        try:
            yield Scratch(name, _at(url, name), version)
        finally:
            await asyncio.shield(_gone(url, timeout, name))


async def sweep(url: str, timeout: float = 5.0) -> tuple[str, ...]:
    """Drop the scratch databases of those that are gone; their names."""
    async with server.connected(url, timeout, MAKING) as session:
        return await _swept(session)


async def leftovers(url: str, timeout: float = 5.0) -> tuple[str, ...]:
    """The scratch databases that nobody uses any more; only looks."""
    async with server.connected(url, timeout) as session:
        return await _left(session)


async def _left(session: server.Session) -> tuple[str, ...]:
    rows = await (await session.execute(query("scratch_leftovers", space=SPACE))).fetchall()
    return tuple(str(row["name"]) for row in rows)


async def _swept(session: server.Session) -> tuple[str, ...]:
    names = await _left(session)
    for name in names:
        await _drop(session, name)
    return names


async def _gone(url: str, timeout: float, name: str) -> None:
    """Drop it by a session of its own: ours may be broken, or in the middle of something."""
    async with server.connected(url, timeout, MAKING) as session:
        await _drop(session, name)


async def _drop(session: server.Session, name: str) -> None:
    assert name.startswith(PREFIX)
    await session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _at(url: str, database: str) -> str:
    """The same login at another database."""
    parts = {k: v for k, v in conninfo_to_dict(url).items() if v is not None}
    return make_conninfo("", **{**parts, "dbname": database})

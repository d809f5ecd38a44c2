"""The database that is backed up: who it is, one backup at a time, and a snapshot to dump and count in."""

from __future__ import annotations

import math
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from hutch.patience import Patient
from hutch.providers.backup.errors import BackupError, said, unreached
from hutch.providers.backup.manifest import Identity, Table
from hutch.providers.backup.queries import query

Session = Patient

SPACE = 0x48424B50
"""The first half of the keys of our advisory locks ("HBKP"); the second is made of a name."""
APPLICATION = "hutch backup"
ANSWER_WITHIN = 120.0
"""Seconds that a server gets for one answer that is no count of rows and no new database."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a database before it is dumped."""

    identity: Identity
    bytes: int


def place(url: str) -> str:
    """Where the address leads, ``host:port/database``. ``ValueError``, without quoting it, if it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError(
            "backup: the database address can't be read: expected postgresql://user:password@host:5432/name"
        ) from None
    where = f"{parts.get('host') or parts.get('hostaddr') or 'localhost'}:{parts.get('port') or 5432}"
    return f"{where}/{parts.get('dbname') or parts.get('user') or 'postgres'}"


@asynccontextmanager
async def connected(url: str, timeout: float, patience: float = ANSWER_WITHIN) -> AsyncIterator[Session]:
    """A session of its own, without a transaction. :class:`BackupError` for whatever the server says meanwhile, and
    where it says nothing for ``patience`` seconds."""
    try:
        session = await Patient.connect(
            url, autocommit=True, application_name=APPLICATION, connect_timeout=math.ceil(timeout),
            client_encoding="utf8", row_factory=dict_row,
        )  # fmt: skip
    except psycopg.Error as error:
        raise unreached(error, place(url)) from None
    session.patience = patience
    try:
        yield session
    except psycopg.Error as error:
        passing = session.closed or error.sqlstate is None or isinstance(error, psycopg.errors.LockNotAvailable)
        raise BackupError(f"{place(url)}: {said(error)}", passing=passing) from None
    finally:
        with suppress(psycopg.Error):
            await session.close()


async def facts(session: Session) -> Facts:
    """Which database it is, and how large."""
    row = await one(session, query("identity"))
    system = 0
    with suppress(psycopg.errors.InsufficientPrivilege):
        system = int((await one(session, query("system")))["system"])
    return Facts(Identity(str(row["database"]), system, int(row["version"])), int(row["bytes"]))


async def one(session: Session, statement: sql.Composed) -> dict[str, Any]:
    """The only row of a statement."""
    row = await (await session.execute(statement)).fetchone()
    assert row is not None
    return dict(row)


async def held(session: Session, name: str) -> bool:
    """Take the lock of ``name`` for as long as the session lasts; False when another one has it."""
    await session.execute("SET idle_session_timeout = 0")
    key = sql.Literal(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    return bool((await one(session, query("lock", space=sql.Literal(SPACE), key=key)))["held"])


@asynccontextmanager
async def snapshot(session: Session, lock_timeout: float) -> AsyncIterator[str]:
    """A transaction that sees one moment, and its name for others to see the same."""
    await session.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        await session.execute("SET LOCAL row_security = off")  # a hidden row is an error and no smaller count
        await session.execute(
            sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{lock_timeout * 1000:.0f}ms"))
        )
        await session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = await one(session, sql.SQL("SELECT pg_export_snapshot() AS name").format())
        yield str(row["name"])
    finally:
        with suppress(psycopg.Error):
            await session.execute("ROLLBACK")


async def columns(session: Session) -> dict[str, tuple[str, ...]]:
    """The columns of every table, uncounted."""
    rows = await (await session.execute(query("tables"))).fetchall()
    return {f"{row['schema']}.{row['name']}": tuple(row["columns"]) for row in rows}


async def tables(session: Session) -> list[Table]:
    """Every table of the database with its columns, and its rows counted one by one."""
    rows = await (await session.execute(query("tables"))).fetchall()
    found = []
    for row in rows:
        table = sql.Identifier(row["schema"], row["name"])
        count = (await one(session, query("count", table=table)))["rows"]
        found.append(Table(f"{row['schema']}.{row['name']}", int(count), tuple(row["columns"])))
    return found

"""The register of incidents in a table beside the log: an index for each way in which a list is narrowed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from hutch.model.register import Entry, Followed, Wanted
from hutch.store.aside import Aside

log = logging.getLogger("hutch.register")

metadata = MetaData()
entries = Table(
    "register",
    metadata,
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("rank", Float(53), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("owed", Float(53)),
)
Index("register_owed", "open", "owed", "id", _table=entries)
for _by in ((), ("service",), ("severity",), ("service", "severity")):
    Index("_".join(("register", *_by, "rank")), "open", *_by, "rank", "id", _table=entries)

followed = Table(
    "register_followed",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
)


class RegisterTable(Aside):
    """Implements :class:`hutch.model.register.Register`."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        super().__init__(engine, metadata, "the register of incidents cannot be used, the log is read instead", log)

    async def followed(self) -> Followed | None:
        """How far the log was followed."""
        return await self._try(_followed, None)

    async def follow(self, entries: list[Entry], upto: Followed, *, anew: bool) -> bool:
        """Write these, and how far it went, in one transaction."""
        return await self._try(lambda connection: _follow(connection, entries, upto, anew), False)

    async def find(self, wanted: Wanted) -> list[Entry] | None:
        """Those that are wanted, in order."""
        query = found(wanted)
        return await self._try(lambda connection: [_entry(row) for row in connection.execute(query)], None)

    async def count(self, wanted: Wanted, most: int) -> int | None:
        """How many there are, up to ``most``."""
        some = select(entries.c.id).where(_narrowed(wanted)).limit(most).subquery()
        query = select(func.count()).select_from(some)
        return await self._try(lambda connection: connection.scalar(query), None)


def found(wanted: Wanted) -> Select[Any]:
    """The query of a list: it reads as many rows as it gives."""
    query, order = select(entries).where(_narrowed(wanted)), entries.c.owed if wanted.owing else entries.c.rank
    if wanted.after is not None:
        query = query.where(tuple_(order, entries.c.id) > tuple_(*wanted.after))
    return query.order_by(order, entries.c.id).limit(wanted.most)


def _narrowed(wanted: Wanted) -> ColumnElement[bool]:
    by: list[ColumnElement[bool]] = [entries.c.open == wanted.open]
    by += [entries.c.service == wanted.service] if wanted.service else []
    by += [entries.c.severity == int(wanted.severity)] if wanted.severity else []
    by += [entries.c.owed.is_not(None)] if wanted.owing else []
    return and_(*by)


def _followed(connection: Connection) -> Followed:
    row = connection.execute(select(followed)).first()
    return (row.position, row.hash) if row else (0, "")


def _follow(connection: Connection, new: list[Entry], upto: Followed, anew: bool) -> bool:
    if anew:
        connection.execute(delete(entries))
    if new:
        write: Any = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(entries)
        changed = {name: write.excluded[name] for name in ("service", "severity", "open", "rank", "seq", "owed")}
        older = entries.c.seq < write.excluded.seq  # another process may have seen more of it
        rows = [asdict(one) for one in new]
        connection.execute(write.on_conflict_do_update(index_elements=["id"], set_=changed, where=older), rows)
    if anew or upto > _followed(connection):
        connection.execute(delete(followed))
        connection.execute(insert(followed).values(position=upto[0], hash=upto[1]))
    return True


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.id, row.service, row.severity, row.open, row.rank, row.seq, row.owed)

"""Which process has which duty: hearts with an end and leases of their owners, in two tables beside the log.

On Postgres the end goes by the server's clock, so the clocks of the machines need not agree; a SQLite file serves one
machine and goes by that machine's. What makes a lease safe is no clock but the row of the heart: nobody takes a lease
while its owner's heart has a row, and a heart whose row is gone never beats again. So whoever was buried while it stood
still (SIGSTOP, a machine without a network) learns it with its next beat, and what it writes late is refused
(:func:`put_where_owned`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from hutch.model.duty import Lease, Member, Roll
from hutch.store.aside import Aside
from hutch.store.owner import is_gone, this_process

log = logging.getLogger("hutch.duties")

NOTHING = "[]"
"""What one can do that does a thing once, and has a heart for as long as that may take."""

Row = Mapping[str, str]
"""Of a table whose columns are texts."""

metadata = MetaData()
hearts = Table(
    "hearts",
    metadata,
    Column("member", Text, primary_key=True),
    Column("until", Float(53), nullable=False),  # seconds since 1970, by the database's clock
    Column("late", Float, nullable=False),  # seconds
    Column("able", Text, nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("since", Float(53), nullable=False),
)


class TableDuties(Aside):
    """Implements :class:`hutch.model.duty.Duties` over tables in a SQLite file or on Postgres. ``there`` says whether
    they were made by now."""

    def __init__(self, engine: Callable[[], Engine], there: Callable[[], bool] = lambda: True) -> None:
        super().__init__(engine, metadata, "who has which duty cannot be asked", log)
        self._there = there
        self._me = ""
        self._said: frozenset[str] = frozenset()
        self._once: dict[str, str] = {}

    async def beat(self, able: Collection[str], late: float, seconds: float) -> Roll | None:
        """Put off the end of the own heart; where that was buried, begin another under a new name."""
        return await self._try(lambda c: self._beat(c, frozenset(able), late, seconds), None)

    async def bury(self, dead: Collection[str], seconds: float) -> bool:
        """Remove these hearts, but those that beat again meanwhile."""
        gone = [member for member in dead if _ended(member)]

        def work(connection: Connection) -> bool:
            now = _now(connection)
            ahead = (hearts.c.until > now + 2 * seconds) & (hearts.c.able != NOTHING)
            still = or_(hearts.c.until <= now, ahead, hearts.c.member.in_(gone))
            connection.execute(delete(hearts).where(hearts.c.member.in_(list(dead)), still))
            return True

        return await self._try(work, False)

    async def take(self, wanted: Mapping[str, str]) -> frozenset[str]:
        """Those of them that nobody living had, and nobody else took first."""
        nothing: frozenset[str] = frozenset()
        return await self._try(
            lambda c: frozenset(d for d, last in wanted.items() if _take(c, d, last, self._me)), nothing
        )

    async def hold(self, duty: str, seconds: float) -> bool | None:
        """Take it for what is done once, for so many seconds at the most, with a heart of its own."""
        name = _name()
        held = await self._try(lambda c: _hold(c, duty, name, seconds), None)
        if held:
            self._once[duty] = name
        return held

    async def release(self, duties: Collection[str]) -> None:
        """Let another have them at once, where they are ours."""
        mine = leases.c.duty.in_(list(duties)) & (leases.c.holder == self._me)
        await self._try(lambda c: c.execute(delete(leases).where(mine)).rowcount, 0)
        for name in [self._once.pop(duty) for duty in duties if duty in self._once]:
            await self._try(partial(_leave, member=name), False)

    async def leave(self) -> None:
        """Stop the own heart and let go of all."""
        me, self._me = self._me, ""
        if me:
            await self._try(lambda c: _leave(c, me), False)

    async def roll(self) -> Roll | None:
        """How it stands, without living in it; nothing is made for that."""
        try:
            if not await asyncio.to_thread(self._there):
                return Roll()
        except (SQLAlchemyError, OSError):
            return None
        return await self._try(lambda c: self._roll(c, new=False, seconds=0.0), None)

    async def close(self) -> None:
        """Let go of all."""
        await self.release(list(self._once))
        await self.leave()
        await super().close()

    def _beat(self, connection: Connection, able: frozenset[str], late: float, seconds: float) -> Roll:
        until = _now(connection) + seconds
        same = {} if able == self._said else {"able": json.dumps(sorted(able))}
        mine = update(hearts).where(hearts.c.member == self._me).values(until=until, late=late, **same)
        new = not self._me or connection.execute(mine).rowcount == 0
        if new:
            self._me = _name()
            told = json.dumps(sorted(able))
            connection.execute(hearts.insert().values(member=self._me, until=until, late=late, able=told))
        self._said = able
        return self._roll(connection, new=new, seconds=seconds)

    def _roll(self, connection: Connection, *, new: bool, seconds: float) -> Roll:
        """An end that lies too far ahead is none: the clock was set back since."""
        now = connection.scalar(select(_now(connection)))
        assert now is not None
        found = connection.execute(select(hearts)).all()
        dead = {row.member for row in found if row.until <= now or _ended(row.member)}
        dead |= {r.member for r in found if seconds and r.able != NOTHING and r.until > now + 2 * seconds}
        members = {r.member: Member(frozenset(json.loads(r.able)), r.late) for r in found if r.member not in dead}
        held = {row.duty: Lease(row.holder, row.since) for row in connection.execute(select(leases))}
        return Roll(self._me, new, members, frozenset(dead - {self._me}), held)


def _take(connection: Connection, duty: str, last: str, holder: str) -> bool:
    """Both statements take it at once or not at all, whoever else tries: from nobody, or from the very one that was
    seen to have had it."""
    row = {"duty": duty, "holder": holder, "since": _now(connection)}
    if not last:
        insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        new = insert(leases).values(row).on_conflict_do_nothing().returning(leases.c.duty)
        return connection.execute(new).first() is not None
    lives = exists().where(hearts.c.member == last)
    change = update(leases).where(leases.c.duty == duty, leases.c.holder == last, ~lives).values(row)
    return connection.execute(change).rowcount > 0


def _hold(connection: Connection, duty: str, name: str, seconds: float) -> bool:
    now = _now(connection)
    connection.execute(hearts.insert().values(member=name, until=now + seconds, late=0.0, able=NOTHING))
    last = connection.scalar(select(leases.c.holder).where(leases.c.duty == duty)) or ""
    over = hearts.c.until <= now if not (last and _ended(last)) else hearts.c.member == last
    connection.execute(delete(hearts).where(hearts.c.member == last, over))
    if not (taken := _take(connection, duty, last, name)):
        connection.execute(delete(hearts).where(hearts.c.member == name))
    return taken


def put_where_owned(connection: Connection, table: Table, rows: Sequence[Row], holder: str, duty: str) -> bool:
    """Put these rows in the place of those with the same key; with a ``holder`` only where it has the duty at that
    moment. One statement looks and writes: who stood still in between finds that it may not."""
    insert: Any = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
    names = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key]
    if holder:
        mine = exists().where(leases.c.duty == duty, leases.c.holder == holder)
        insert = insert.from_select(names, select(*(cast(bindparam(n), Text) for n in names)).where(mine))
    changed = {name: insert.excluded[name] for name in names if name not in key}
    put = insert.on_conflict_do_update(index_elements=key, set_=changed)
    for row in rows if holder else ():
        connection.execute(put, row)
    if not holder and rows:
        connection.execute(put, list(rows))
    return True


def _leave(connection: Connection, member: str) -> bool:
    connection.execute(delete(leases).where(leases.c.holder == member))
    connection.execute(delete(hearts).where(hearts.c.member == member))
    return True


def _ended(member: str) -> bool:
    """Whether it is known to have ended, on this machine: then nobody need wait for its lease."""
    return member.count(":") >= 3 and is_gone(member.rpartition(":")[0])


def _name() -> str:
    return f"{this_process()}:{secrets.token_hex(4)}"


def _now(connection: Connection) -> Any:
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float(53))
    return literal(time.time(), Float)

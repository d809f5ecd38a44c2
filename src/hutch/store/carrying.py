"""What lies beside the log, carried along when a store moves: the same rows at both ends, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from hutch.store import accounts, samples, shared, sightings, watches
from hutch.store.aside import told
from hutch.store.errors import StoreError
from hutch.store.moving import BATCH

Make = Callable[[], Engine]

Sum = tuple[int, int]
"""How many rows, and the sum of their hashes: equal whatever their order, which two databases need not share."""


@dataclass(frozen=True, slots=True)
class Part:
    """Tables that lie in one place. ``precious``: what the target holds already is never replaced."""

    name: str
    tables: tuple[Table, ...]
    precious: bool


ACCESS = Part("accounts", (accounts.accounts, accounts.sessions, accounts.tokens, accounts.tickets), True)
SEEN = Part("samples", (samples.series, samples.samples, sightings.sightings, watches.watches, shared.files), False)

PARTS = (ACCESS, SEEN)

LEFT = ("register", "hearts", "leases", "memories", "tries")
"""Tables that must not move: the register follows the log it lies beside and is made anew from it, hearts and leases
are those of processes, and tries and what a process remembers of its windows count for minutes."""


def carry(ends: Sequence[tuple[Part, Make | None, Make]], place: str) -> dict[str, int]:
    """Copy each part from its source, if it has one, to its target; how many rows of each table are there.

    Written only when all of it is proved. Raises :class:`StoreError` where the target holds other accounts, or does not
    hold afterwards what the source does.
    """
    counts = {table.name: 0 for part in PARTS for table in part.tables}
    try:
        with ExitStack() as stack:
            for part, source, target in ends:
                if source is not None:
                    old, new = stack.enter_context(_snapshot(source)), stack.enter_context(_open(target))
                    counts |= _carry(part, old, new, place)
    except (SQLAlchemyError, OSError) as error:
        what = f"what lies beside the log cannot be carried: {told(error)}"
        raise StoreError(what, place, "nothing was moved; try again") from error
    return counts


@contextmanager
def _snapshot(make: Make) -> Iterator[Connection]:
    """As it is at this moment, whoever goes on writing."""
    engine = make()
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _open(make: Make) -> Iterator[Connection]:
    engine = make()
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _carry(part: Part, old: Connection, new: Connection, place: str) -> dict[str, int]:
    there = inspect(old)
    tables = [table for table in part.tables if there.has_table(table.name)]
    before = {table.name: _sum(old, table) for table in tables}
    if not any(count for count, _ in before.values()):
        return {}
    for table in part.tables:
        table.create(new, checkfirst=True)
    held = {table.name: _sum(new, table) for table in tables}
    if part.precious and held != before and any(count for count, _ in held.values()):
        what = f"holds {part.name} already, and they are not those of this store"
        raise StoreError(what, place, "name a place that holds none")
    if held != before:
        _copy(tables, old, new)
    if {table.name: _sum(new, table) for table in tables} != before:
        raise StoreError(f"does not hold the same {part.name} after the move", place, "nothing was moved; try again")
    return {name: count for name, (count, _) in before.items()}


def _copy(tables: Sequence[Table], old: Connection, new: Connection) -> None:
    for table in tables:
        new.execute(delete(table))
        for rows in old.execute(select(table), execution_options={"yield_per": BATCH}).mappings().partitions():
            new.execute(insert(table), [dict(row) for row in rows])
    if samples.series in tables and new.dialect.name == "postgresql":
        last = select(func.max(samples.series.c.id)).scalar_subquery()
        new.execute(select(func.setval(func.pg_get_serial_sequence(text("'series'"), text("'id'")), last)))


def _sum(connection: Connection, table: Table) -> Sum:
    count = total = 0
    for row in connection.execute(select(table), execution_options={"yield_per": BATCH}):
        count += 1
        total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode("utf-8", "replace")).digest())
    return count, total % (1 << 256)

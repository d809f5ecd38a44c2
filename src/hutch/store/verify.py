"""The offline proof of a whole log, in constant memory: it reads, and never writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import DatabaseError

from hutch.model.event import Break, Event
from hutch.store.chain import event_from
from hutch.store.engine import offline_engine
from hutch.store.errors import StoreError, explaining
from hutch.store.proof import WHOLE_LOG, Report, missing, prove_streams
from hutch.store.schema import check_current
from hutch.store.tables import events

_CHUNK = 500
_TYPES = {column.name: column.type.python_type for column in events.c}


def verify_store(path: Path) -> Report:
    """Prove every stream of the file at ``path``, and that no event is missing from the log's end.

    The first break of each stream is reported. Raises ``StoreError`` when the file is missing or no store.
    """
    if not path.is_file():
        raise StoreError("no such file", path, "name the store's file; `hutch doctor` shows where it is")
    report = Report()
    engine = offline_engine(path)
    try:
        with explaining(path), engine.connect() as connection, _damage_told(report):
            check_current(connection, path)
            prove(connection, report)
    finally:
        engine.dispose()
    return report


def prove(connection: Connection, report: Report) -> None:
    """The proof of what stands in the transaction of ``connection``."""
    with _damage_told(report):
        report.breaks.extend(_file_faults(connection))
        before = len(report.breaks)
        prove_streams(_rows(connection), _sound, report)
        report.breaks[before:before] = _missing(connection, report.archived)


@contextmanager
def _damage_told(report: Report) -> Iterator[None]:
    """A page that cannot be read is a break of the log; what is no database at all goes on as it was raised."""
    try:
        yield
    except DatabaseError as error:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_NOTADB) & 0xFF
        if not isinstance(error.orig, sqlite3.DatabaseError) or code == sqlite3.SQLITE_NOTADB:
            raise
        report.breaks.append(Break(WHOLE_LOG, 0, f"the file is damaged: {error.orig}"))


def _file_faults(connection: Connection) -> Iterator[Break]:
    for fault in connection.scalars(text("PRAGMA quick_check(10)")):
        if fault != "ok":
            yield Break(WHOLE_LOG, 0, f"the file is damaged: {fault}")


def _missing(connection: Connection, archived: int) -> Iterator[Break]:
    count, newest = connection.execute(select(func.count(), func.max(events.c.position))).one()
    given = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")) or 0
    return missing(count, newest or 0, given, archived)


def _rows(connection: Connection) -> Iterator[Row[tuple[object, ...]]]:
    in_order = select(*events.c).order_by(events.c.stream, events.c.seq)
    return iter(connection.execute(in_order, execution_options={"yield_per": _CHUNK}))


def _sound(row: Row[tuple[object, ...]]) -> Event:
    """SQLite lets any column hold any type: a forger may have put bytes where text was."""
    wrong = [name for name, value in row._mapping.items() if type(value) is not _TYPES[name]]
    if wrong:
        raise TypeError(f"wrong type in {', '.join(wrong)}")
    return event_from(row)

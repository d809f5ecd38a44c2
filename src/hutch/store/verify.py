"""The offline proof of a whole log, in constant memory: it reads, and never writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import DatabaseError

from hutch.model.event import ERASED, Break, Event, find_break
from hutch.store.chain import event_from
from hutch.store.engine import offline_engine
from hutch.store.errors import StoreError, explaining
from hutch.store.schema import check_current
from hutch.store.tables import events

WHOLE_LOG = "*"
"""Stands as the stream of a :class:`Break` that concerns the file or the log as a whole; ``seq`` is a position."""

_CHUNK = 500
_TYPES = {column.name: column.type.python_type for column in events.c}


@dataclass(slots=True)
class Report:
    """What the proof found. The log is intact when ``breaks`` is empty.

    ``erased`` counts the events whose data was erased on purpose: the chain proves that they were there, no more.
    """

    streams: int = 0
    events: int = 0
    erased: int = 0
    breaks: list[Break] = field(default_factory=list)

    def __iter__(self) -> Iterator[Break]:
        """Its breaks."""
        return iter(self.breaks)

    @property
    def intact(self) -> bool:
        """Whether nothing was altered, removed or reordered."""
        return not self.breaks


class _Unreadable(Exception):
    """A row that holds no event any more."""

    def __init__(self, row: Row[tuple[object, ...]], reason: str) -> None:
        super().__init__(reason)
        self.found = Break(str(row.stream), row.seq if isinstance(row.seq, int) else 0, reason)


def verify_store(path: Path) -> Report:
    """Prove every stream of the file at ``path``, and that no event is missing from the log's end.

    The first break of each stream is reported. Raises ``StoreError`` when the file is missing or no store.
    """
    if not path.is_file():
        raise StoreError("no such file", path, "name the store's file; `hutch doctor` shows where it is")
    report = Report()
    engine = offline_engine(path)
    try:
        with explaining(path), engine.connect() as connection:
            check_current(connection, path)
            _prove(connection, report)
    finally:
        engine.dispose()
    return report


def _prove(connection: Connection, report: Report) -> None:
    try:
        report.breaks.extend(_file_faults(connection))
        report.breaks.extend(_missing(connection))
        for stream, rows in groupby(_rows(connection), key=lambda row: row.stream):
            report.streams += 1
            report.breaks.extend(_stream_break(str(stream), rows, report))
    except DatabaseError as error:
        if not isinstance(error.orig, sqlite3.DatabaseError):
            raise
        report.breaks.append(Break(WHOLE_LOG, 0, f"the file is damaged: {error.orig}"))


def _file_faults(connection: Connection) -> Iterator[Break]:
    for fault in connection.scalars(text("PRAGMA quick_check(10)")):
        if fault != "ok":
            yield Break(WHOLE_LOG, 0, f"the file is damaged: {fault}")


def _missing(connection: Connection) -> Iterator[Break]:
    """Positions are given out without gaps and never twice: fewer events than positions means that some went."""
    count, newest = connection.execute(select(func.count(), func.max(events.c.position))).one()
    given = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")) or 0
    end = max(given, newest or 0)
    if count != end:
        yield Break(WHOLE_LOG, end, f"{end} events were written and {count} are there: {end - count} are missing")


def _rows(connection: Connection) -> Iterator[Row[tuple[object, ...]]]:
    in_order = select(*events.c).order_by(events.c.stream, events.c.seq)
    return iter(connection.execute(in_order, execution_options={"yield_per": _CHUNK}))


def _stream_break(stream: str, rows: Iterator[Row[tuple[object, ...]]], report: Report) -> Iterator[Break]:
    try:
        found = find_break(_events(rows, report))
    except _Unreadable as unreadable:
        found = unreadable.found
    if found:
        yield Break(stream, found.seq, found.reason)
    report.events += sum(1 for _ in rows)  # what follows the break


def _events(rows: Iterator[Row[tuple[object, ...]]], report: Report) -> Iterator[Event]:
    for row in rows:
        report.events += 1
        try:
            event = _sound(row)
        except (ValueError, TypeError) as error:
            raise _Unreadable(row, f"it can't be read: {error}") from error
        report.erased += event.data == ERASED
        yield event


def _sound(row: Row[tuple[object, ...]]) -> Event:
    """SQLite lets any column hold any type: a forger may have put bytes where text was."""
    wrong = [name for name, value in row._mapping.items() if type(value) is not _TYPES[name]]
    if wrong:
        raise TypeError(f"wrong type in {', '.join(wrong)}")
    return event_from(row)

"""A SQLite file as one end of a move."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from hutch.model.event import canonical, instant, parse_instant
from hutch.ports import Job
from hutch.store.engine import create_file, offline_engine, reading_engine, writing_engine
from hutch.store.errors import StoreError, explaining
from hutch.store.jobs import DEAD, TAKEN, WAITING
from hutch.store.moving import BATCH, FIELDS, Head, Kept, Row, parts
from hutch.store.owner import is_gone
from hutch.store.proof import Report
from hutch.store.schema import check_current, ensure_current
from hutch.store.tables import events, jobs
from hutch.store.verify import prove


@contextmanager
def source(path: Path) -> Iterator[SqliteEnd]:
    """The file at ``path``; nobody else can write to it meanwhile. Raises ``StoreError``."""
    if not path.is_file():
        raise StoreError("no such file", path, "nothing was recorded there yet")
    with explaining(path), _writing(path) as connection:
        check_current(connection, path)
        end = SqliteEnd(path, connection)
        end.check_idle()
        yield end


@contextmanager
def snapshot(path: Path) -> Iterator[SqliteEnd]:
    """The store at ``path`` as it is at this moment, for reading; others go on writing. Raises ``StoreError``."""
    if not path.is_file():
        raise StoreError("no such file", path, "name the folder of a store; `hutch doctor` shows where yours is")
    engine = offline_engine(path)
    try:
        with explaining(path), engine.connect() as connection:
            check_current(connection, path)
            yield SqliteEnd(path, connection)
    finally:
        engine.dispose()


@contextmanager
def target(path: Path) -> Iterator[SqliteEnd]:
    """The store at ``path``; made where there is none. Raises ``StoreError``."""
    with explaining(path):
        create_file(path)
        reader, writer = reading_engine(path), writing_engine(path)
        try:
            ensure_current(reader, writer, path)
        finally:
            reader.dispose()
            writer.dispose()
        with _writing(path) as connection:
            yield SqliteEnd(path, connection)


@contextmanager
def _writing(path: Path) -> Iterator[Connection]:
    engine = writing_engine(path)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


class SqliteEnd:
    """Either end; see :mod:`hutch.store.moving`."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.place, self._connection = str(path), connection

    def check_idle(self) -> None:
        """Raises ``StoreError`` while a process that lives has a job of it in hand."""
        holders = self._connection.scalars(select(jobs.c.owner).where(jobs.c.state == TAKEN).distinct())
        alive = next((owner for owner in holders if not is_gone(owner)), "")
        if alive:
            what = f"the process {alive.rsplit(':', 2)[1]} does a job of it"
            raise StoreError(what, self.place, "stop every `hutch serve`, `hutch worker` and `hutch run` first")

    def held(self) -> str:
        """What is there already, in words."""
        tables = (events, jobs)
        return " and ".join(table.name for table in tables if self._connection.scalar(select(table).limit(1)))

    def prove(self) -> Report:
        """The proof of every chain, as it stands in this transaction."""
        report = Report()
        prove(self._connection, report)
        return report

    def heads(self) -> Iterable[Head]:
        """The end of every stream, in order of the names' bytes."""
        other = events.alias()
        newest = select(func.max(other.c.seq)).where(other.c.stream == events.c.stream).scalar_subquery()
        query = select(events.c.stream, events.c.seq, events.c.hash).where(events.c.seq == newest)
        return (tuple(row) for row in self._connection.execute(query.order_by(events.c.stream)))

    def rows(self) -> Iterator[list[Row]]:
        """Batches of the log in writing order."""
        columns = [events.c[name] for name in FIELDS]
        found = self._connection.execute(
            select(*columns).order_by(events.c.position), execution_options={"yield_per": BATCH}
        )
        return parts(tuple(row) for row in found)

    def jobs(self) -> Iterator[list[Kept]]:
        """Batches of all jobs, those given up first."""
        found = self._connection.execute(select(jobs).order_by(jobs.c.state != DEAD, jobs.c.run_at, jobs.c.id))
        for part in parts(found):
            yield [
                (
                    Job(row.kind, row.lock, parse_instant(row.run_at), json.loads(row.data), row.unique_key),
                    row.attempts,
                    row.state == DEAD,
                )
                for row in part
            ]

    def put(self, rows: list[Row]) -> None:
        """Add rows of the log."""
        self._connection.execute(insert(events), [dict(zip(FIELDS, row, strict=True)) for row in rows])

    def put_jobs(self, kept: list[Kept]) -> None:
        """Add jobs."""
        self._connection.execute(insert(jobs), [_row(*one) for one in kept])


def _row(job: Job, tries: int, dead: bool) -> dict[str, object]:
    assert job.run_at is not None
    return {
        "kind": job.kind,
        "lock": job.lock,
        "unique_key": job.unique,
        "run_at": instant(job.run_at),
        "data": canonical(dict(job.data)),
        "state": DEAD if dead else WAITING,
        "attempts": tries,
        "owner": "",
        "lease_until": "",
    }

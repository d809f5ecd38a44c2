"""One SQLite file: a writer thread with group commit, readers beside it, and who wants to hear of new jobs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from hutch.ports import Conflict, StoreFull
from hutch.store.engine import create_file, immediate, reading_engine, writing_engine
from hutch.store.errors import StoreError, explaining
from hutch.store.prepared import plain
from hutch.store.schema import ensure_current

T = TypeVar("T")

GROUP = 256
"""At most so many writes share one transaction."""


@dataclass(slots=True, eq=False)
class _Write(Generic[T]):
    """One caller's statements. ``alone``: it was in a group that failed, and is tried again by itself."""

    op: Callable[[Connection], T]
    wakes: bool
    alone: bool = False
    settled: bool = False
    results: list[T] = field(default_factory=list)
    conflict: Conflict | None = None

    def attempt(self, connection: Connection) -> None:
        """Run inside a savepoint, so that a conflict takes back this write and no other."""
        self.results.clear()
        raw = plain(connection)
        raw.execute("SAVEPOINT one")
        try:
            self.results.append(self.op(connection))
        except Conflict as conflict:
            raw.execute("ROLLBACK TO one")
            self.conflict = conflict
        raw.execute("RELEASE one")

    def outcome(self) -> T:
        if self.conflict:
            raise self.conflict
        return self.results[0]


class Database:
    """The file at ``path``, opened and migrated. Raises :class:`StoreError`.

    All writes go through one thread. Those that wait while it syncs the disk are written together in one
    ``BEGIN IMMEDIATE`` transaction: so appends of several processes never interleave, and a sync is shared.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: deque[_Write[Any]] = deque()
        self._listeners: list[Callable[[], None]] = []
        self._watchers: list[Callable[[], None]] = []
        self._closed = False
        with explaining(path):
            create_file(path)
            self._readers, self._writer = reading_engine(path), writing_engine(path)
            with ExitStack() as undo:
                undo.callback(self._dispose)
                ensure_current(self._readers, self._writer, path)
                self._connection = self._writer.connect()
                undo.pop_all()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hutch-store")

    async def write(self, op: Callable[[Connection], T], *, wakes: bool = False) -> T:
        """Run ``op`` in a transaction; durable on return. A cancelled caller's write is done all the same.

        ``wakes`` calls the listeners afterwards. Raises what ``op`` raises, ``StoreFull`` and :class:`StoreError`.
        """
        self._check_open()
        mine = _Write(op, wakes)
        self._pending.append(mine)
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._flush, mine)))

    async def read(self, op: Callable[[Connection], T]) -> T:
        """Run ``op`` on a connection that can't write; it never waits for the writer."""
        self._check_open()
        return await asyncio.to_thread(self._read, op)

    def listening(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside, ``callback`` is called, in the writer's thread, after each write that ``wakes``."""
        return _among(self._listeners, callback)

    def watching(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside, ``callback`` is called, in the writer's thread, after every write of this process."""
        return _among(self._watchers, callback)

    async def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it, as far as no reader still needs it."""
        self._check_open()
        await asyncio.wrap_future(self._thread.submit(self._checkpoint))

    async def close(self) -> None:
        """Write what is pending and close the file. Harmless when repeated."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._shut)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("already closed", self.path, "open it again")

    def _shut(self) -> None:
        self._thread.shutdown()
        self._connection.close()
        self._dispose()

    def _dispose(self) -> None:
        self._readers.dispose()
        self._writer.dispose()  # the last to go writes the log back into the file

    def _read(self, op: Callable[[Connection], T]) -> T:
        with explaining(self.path), self._readers.connect() as connection:
            return op(connection)

    # -------------------------------------------------------------- in the writer's thread

    def _checkpoint(self) -> None:
        plain(self._connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def _flush(self, mine: _Write[T]) -> T:
        if not mine.settled:
            self._write_with_others(mine)
        return mine.outcome()

    def _write_with_others(self, mine: _Write[Any]) -> None:
        group = [mine] if mine.alone else [self._pending.popleft() for _ in range(min(GROUP, len(self._pending)))]
        for write in group:
            write.alone = True
        try:
            self._transaction(group)
        except (StoreError, StoreFull):
            if len(group) == 1:
                raise
            self._transaction([mine])

    def _transaction(self, group: list[_Write[Any]]) -> None:
        with explaining(self.path), immediate(self._connection):
            for write in group:
                write.attempt(self._connection)
        for write in group:
            write.settled = True
        wanted = self._listeners if any(write.wakes for write in group) else []
        for callback in [*wanted, *self._watchers]:
            callback()


@contextmanager
def _among(callbacks: list[Callable[[], None]], callback: Callable[[], None]) -> Iterator[None]:
    callbacks.append(callback)
    try:
        yield
    finally:
        callbacks.remove(callback)

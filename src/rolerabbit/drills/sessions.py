"""Database sessions of a fault: the guilty one, those that wait, and innocent ones beside them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import psycopg

from rolerabbit.drills.service import Connection, Service, wait_for

STAND_SECONDS: Final = 15.0
JOIN_SECONDS: Final = 5.0

_ALIVE: Final = "SELECT backend_start::text FROM pg_stat_activity WHERE pid = %s"
_WAIT_FOR: Final = "SELECT bool_and(%s = ANY(pg_blocking_pids(pid))) FROM unnest(%s::int[]) AS waiter (pid)"


@dataclass(frozen=True, slots=True)
class Session:
    """A session by what no other one shares."""

    pid: int
    backend_start: str
    application: str

    @classmethod
    def of(cls, service: Service, connection: Connection, application: str) -> Session:
        """The session of this connection."""
        pid = connection.info.backend_pid
        return cls(pid, service.rows(_ALIVE, pid)[0][0], application)

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {
            "kind": "session",
            "id": str(self.pid),
            "backend_start": self.backend_start,
            "application": self.application,
        }

    def lost(self, service: Service) -> bool:
        """Whether it was ended; so too where the server can't be asked."""
        try:
            return service.rows(_ALIVE, self.pid) != [(self.backend_start,)]
        except psycopg.Error:
            return True


class Busy:
    """A session at work in a thread of its own, until ``stop`` is set or the server ends it."""

    def __init__(self, connection: Connection, work: Callable[[Connection, threading.Event], None]) -> None:
        self.connection = connection
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The server's process id of it."""
        return self.connection.info.backend_pid

    def close(self) -> None:
        """Stop the work, cancelling a statement that still runs, and close the session."""
        self._stop.set()
        with contextlib.suppress(psycopg.Error):
            self.connection.cancel_safe(timeout=JOIN_SECONDS)
        self._thread.join(JOIN_SECONDS)
        self.connection.close()

    def _run(self, work: Callable[[Connection, threading.Event], None]) -> None:
        with contextlib.suppress(psycopg.Error):
            work(self.connection, self._stop)


class Sessions:
    """Opens sessions and closes them in reverse order."""

    def __init__(self, service: Service, stack: ExitStack) -> None:
        self._service = service
        self._stack = stack

    def open(self, login: str, application: str) -> Connection:
        """A session that the caller works with."""
        return self._stack.enter_context(contextlib.closing(self._service.connect(login, application)))

    def busy(self, login: str, application: str, work: Callable[[Connection, threading.Event], None]) -> Busy:
        """A session that works by itself."""
        return self._stack.enter_context(contextlib.closing(Busy(self._service.connect(login, application), work)))

    def waiting(self, login: str, application: str, statement: str, *values: object) -> Busy:
        """A session that runs one statement in a transaction which is always rolled back, then stays idle."""

        def work(connection: Connection, _stop: threading.Event) -> None:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode(), values)

        return self.busy(login, application, work)

    def seen(self, *connections: Connection | Busy) -> tuple[Session, ...]:
        """The sessions of these, to be known again."""
        plain = [c.connection if isinstance(c, Busy) else c for c in connections]
        return tuple(Session.of(self._service, c, c.info.parameter_status("application_name") or "") for c in plain)


@contextlib.contextmanager
def sessions(service: Service) -> Iterator[Sessions]:
    """Sessions for as long as the block lasts."""
    with ExitStack() as stack:
        yield Sessions(service, stack)


def bystanders(opened: Sessions) -> tuple[Session, ...]:
    """Innocent sessions: a pooler's idle one, a job with short idle transactions, and a running backup."""
    pooler = opened.open("app", "pgbouncer")
    pooler.execute("SELECT 1")
    job = opened.busy("app", "rolerabbit-jobs", _short_transactions)
    backup = opened.busy("owner", "pg_dump", lambda c, stop: back_up(c, stop, ("users",)))
    return opened.seen(pooler, job, backup)


def back_up(connection: Connection, stop: threading.Event, tables: Sequence[str]) -> None:
    """Copy tables out again and again in one transaction, as a long backup does."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    while not stop.is_set():
        for table in tables:
            copied_out(connection, f"COPY {table} TO STDOUT", stop)
        stop.wait(0.3)


def copied_out(connection: Connection, statement: str, stop: threading.Event, pause: float = 0.0) -> int:
    """Run one COPY to its end or until stopped, ``pause`` seconds after each block; the bytes."""
    total = 0
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for block in copy:
            total += len(block)
            if pause and stop.wait(pause):
                break
    return total


def wait_until_blocked(service: Service, waiters: Sequence[Busy], blocker: int) -> None:
    """Until each really waits for the session ``blocker``; FaultError if that doesn't come."""
    pids = [waiter.pid for waiter in waiters]
    wait_for(
        lambda: service.rows(_WAIT_FOR, blocker, pids)[0][0],
        STAND_SECONDS,
        f"sessions {pids} wait for session {blocker}",
    )


def _short_transactions(connection: Connection, stop: threading.Event) -> None:
    while not stop.is_set():
        with connection.transaction():
            connection.execute("SELECT 1")
            stop.wait(1.0)
        stop.wait(0.2)

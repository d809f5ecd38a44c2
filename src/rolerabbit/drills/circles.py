"""A fault in which sessions wait for each other in a circle, beside others that only queue or have to try again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Final

import psycopg

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import Busy, Sessions, bystanders, sessions

PAIRS: Final = 3
GUILTY: Final = "billing-sync"
MEET_SECONDS: Final = 60.0
QUEUE_SECONDS: Final = 0.2
"""How long the innocent queue holds its row: shorter than any wait that counts."""
AGAIN_SECONDS: Final = 0.3
STAND_SECONDS: Final = 40.0

_SOME_ROWS: Final = "SELECT id FROM portfolios WHERE deleted_at IS NULL ORDER BY id LIMIT 200"
_TOUCH: Final = "UPDATE portfolios SET updated_at = updated_at WHERE id = %s"
_READ: Final = "SELECT updated_at FROM portfolios WHERE id = %s"
_COUNT: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_RETRYABLE: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


@contextmanager
def deadlocks(scene: Scene) -> Iterator[Stand]:
    """A job changes the same two rows in one order here and in the other there, again and again."""
    service = scene.service
    ids = scene.dice.sample([row[0] for row in service.rows(_SOME_ROWS)], 2 * PAIRS + 2)
    before = _deadlocks(service)
    with sessions(service) as opened, ExitStack() as stack:
        innocent = (*bystanders(opened), *opened.seen(*_queue(opened, ids[-1]), _outdated(opened, ids[-2])))
        for first, second in zip(ids[:PAIRS], ids[PAIRS : 2 * PAIRS], strict=True):
            meeting = threading.Barrier(2)
            stack.callback(meeting.abort)
            for order in ((first, second), (second, first)):
                opened.busy("app", GUILTY, partial(_cross, order, meeting))
        wait_for(lambda: _deadlocks(service) >= before + PAIRS, STAND_SECONDS, "the server has ended a few circles")
        yield Stand(
            {"kind": "database", "id": str(service.rows("SELECT current_database()")[0][0])},
            protected=innocent,
            known={"application": GUILTY, "table": "portfolios"},
            counts=lambda: {"deadlocks": _deadlocks(service) - before},
        )


def _cross(order: Sequence[object], meeting: threading.Barrier, connection: Connection, stop: threading.Event) -> None:
    """Take one row, wait until the other session has the other one, ask for that; the next round begins together, so
    that no session that was ended is back at its row before the other has got it."""
    while not (stop.is_set() or meeting.broken):
        with suppress(threading.BrokenBarrierError):
            with suppress(*_RETRYABLE), connection.transaction():
                connection.execute(_TOUCH, [order[0]])
                meeting.wait(MEET_SECONDS)
                connection.execute(_TOUCH, [order[1]])
            meeting.wait(MEET_SECONDS)


def _queue(opened: Sessions, row: object) -> list[Busy]:
    """Two workers that want the same row: one waits a moment for the other, and gets it."""

    def work(connection: Connection, stop: threading.Event) -> None:
        while not stop.is_set():
            with connection.transaction():
                connection.execute(_TOUCH, [row])
                stop.wait(QUEUE_SECONDS)

    return [opened.busy("app", "rolerabbit-worker", work) for _ in range(2)]


def _outdated(opened: Sessions, row: object) -> Busy:
    """A job whose changes are refused, since somebody else was faster: it tries again. No circle is in that."""
    other = opened.open("app", "rolerabbit-worker")

    def work(connection: Connection, stop: threading.Event) -> None:
        while not stop.wait(AGAIN_SECONDS):
            with suppress(*_RETRYABLE), connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.execute(_READ, [row])
                other.execute(_TOUCH, [row])
                connection.execute(_TOUCH, [row])

    return opened.busy("app", "rolerabbit-billing", work)


def _deadlocks(service: Service) -> int:
    return int(service.rows(_COUNT)[0][0])

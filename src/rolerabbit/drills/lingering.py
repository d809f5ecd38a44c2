"""Faults in which a session stays too long: in a transaction without doing anything in it, or in one statement."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import Session, bystanders, copied_out, sessions

IDLE_SECONDS: Final = 3.0
LONG_SECONDS: Final = 20.0
"""How long the statement has run when the fault is said to stand."""
STAND_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.05

_READ: Final = "SELECT count(*) FROM portfolios WHERE published"
_SLOW: Final = "SELECT count(pg_sleep(0.05)) FROM users CROSS JOIN generate_series(1, 100000) AS day"
_ALL: Final = "COPY (SELECT p.* FROM portfolios p CROSS JOIN generate_series(1, 20000)) TO STDOUT"
_STATE: Final = """
SELECT extract(epoch FROM clock_timestamp() - greatest(state_change, query_start)) FROM pg_stat_activity
WHERE pid = %s AND state = %s"""


@contextmanager
def forgotten_transaction(scene: Scene) -> Iterator[Stand]:
    """Somebody read something in a transaction and left it open; others are idle too, outside of any transaction."""
    service = scene.service
    with sessions(service) as opened:
        at_rest = opened.open("app", "support-console")
        at_rest.execute(_READ)
        innocent = (*bystanders(opened), *opened.seen(at_rest))
        guilty = opened.open("app", "support-console")
        guilty.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        guilty.execute(_READ)
        pid = guilty.info.backend_pid
        wait_for(lambda: _since(service, pid, "idle in transaction") > IDLE_SECONDS, STAND_SECONDS, "it does nothing")
        yield _stand(service, opened.seen(guilty)[0], innocent)


@contextmanager
def endless_statement(scene: Scene) -> Iterator[Stand]:
    """Somebody's statement asks something slow for every row of far too many; a backup reads for as long."""
    service = scene.service
    with sessions(service) as opened:
        backup = opened.busy("owner", "pg_dump", lambda c, stop: _copy_slowly(c, stop))
        innocent = (*bystanders(opened), *opened.seen(backup))
        guilty = opened.busy("app", "support-console", lambda c, _stop: _ask_for_ever(c))
        wait_for(lambda: _since(service, guilty.pid, "active") > LONG_SECONDS, STAND_SECONDS, "the statement runs on")
        yield _stand(service, opened.seen(guilty)[0], innocent)


def _stand(service: Service, guilty: Session, innocent: tuple[Session, ...]) -> Stand:
    return Stand(
        {"kind": "session", "id": str(guilty.pid), "application": guilty.application},
        remedied=lambda: guilty.lost(service),
        protected=innocent,
    )


def _since(service: Service, pid: int, state: str) -> float:
    """Seconds for which the session is in this state; 0 where it isn't."""
    found = service.rows(_STATE, pid, state)
    return float(found[0][0]) if found else 0.0


def _ask_for_ever(connection: Connection) -> None:
    connection.execute(_SLOW)


def _copy_slowly(connection: Connection, stop: threading.Event) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    while not stop.is_set():
        copied_out(connection, _ALL, stop, PAUSE_SECONDS)

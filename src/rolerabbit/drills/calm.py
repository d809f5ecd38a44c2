"""No-faults inside the database: each stands a step before a fault, and is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, Final

import psycopg

from rolerabbit.drills.cache import client_of
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import Busy, Sessions, sessions
from rolerabbit.drills.upkeep import SMALL_END, end, move_end

WORKER: Final = "rolerabbit-worker"
HELD_SECONDS: Final = 0.25
"""How long a worker holds the busy row: three of them wait for half a second, and never for one."""
WORKERS: Final = 3
IDLE: Final = 6
"""Sessions that a pooler keeps ready: as many as the server can spare."""
SORTED: Final = 20_000
HALF: Final = 1_200_000_000
CLIENTS: Final = 40
LOADED: Final = 60_000
TABLE: Final = "drill_imports"
SLOT: Final = "drill_resting_replica"
STAND_SECONDS: Final = 30.0

_ROWS: Final = "SELECT id FROM portfolios WHERE deleted_at IS NULL ORDER BY id LIMIT 200"
_TOUCH: Final = "UPDATE portfolios SET updated_at = updated_at WHERE id = %s"
_WHOLE: Final = "LOCK TABLE portfolios IN ACCESS EXCLUSIVE MODE"
_DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_SPILLED: Final = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
_WIDE: Final = """
SELECT sum(length(s.line)) FROM (
    SELECT rpad(n::text, 1000, 'y') AS line FROM generate_series(1, %s) AS n
    ORDER BY md5(n::text), line OFFSET 1) AS s"""
_MAKE: Final = f"CREATE TABLE {TABLE} (id int PRIMARY KEY, line text)"
_LOAD: Final = f"INSERT INTO {TABLE} SELECT n, 'line ' || n FROM generate_series(1, {LOADED}) AS n"  # noqa: S608
_LOADED: Final = "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = %s"
_SLOT: Final = "SELECT pg_create_physical_replication_slot(%s, true)"
_DROP_SLOT: Final = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active"""
_WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"


@contextmanager
def busy_row(scene: Scene) -> Iterator[Stand]:
    """Workers take turns at one row: each holds it for a moment, and the others wait no longer than that."""
    service = scene.service
    row = scene.dice.choice(service.rows(_ROWS))[0]
    with sessions(service) as opened:
        workers = [opened.busy("app", WORKER, partial(_take_turns, row)) for _ in range(WORKERS)]
        wait_for(lambda: service.rows(_WAITING, WORKER)[0][0] > 0, STAND_SECONDS, "a worker waits for its turn")
        yield Stand({}, protected=opened.seen(*workers))


@contextmanager
def one_deadlock(scene: Scene) -> Iterator[Stand]:
    """Two jobs met in a circle once; the server ended one, which tried again and was done."""
    service = scene.service
    first, second = (row[0] for row in scene.dice.sample(service.rows(_ROWS), 2))
    before = int(service.rows(_DEADLOCKS)[0][0])
    with sessions(service) as opened:
        meeting = threading.Barrier(2)
        jobs = [opened.busy("app", WORKER, partial(_meet, order, meeting)) for order in _both(first, second)]
        wait_for(lambda: int(service.rows(_DEADLOCKS)[0][0]) > before, STAND_SECONDS, "one circle was ended")
        yield Stand({}, protected=opened.seen(*jobs))


@contextmanager
def one_big_sort(scene: Scene) -> Iterator[Stand]:
    """A report sorts more than work_mem holds, once; then it sends what it has found."""
    service = scene.service
    before = int(service.rows(_SPILLED)[0][0])
    with sessions(service) as opened:
        report = opened.open("app", "monthly-report")
        report.execute(_WIDE, [SORTED])
        wait_for(lambda: int(service.rows(_SPILLED)[0][0]) > before, STAND_SECONDS, "the sort went to the disk")
        yield Stand({}, protected=opened.seen(report))


@contextmanager
def fresh_import(scene: Scene) -> Iterator[Stand]:
    """A table was filled a moment ago; autovacuum will come to it by itself."""
    service = scene.service
    scene.will_undo("import")
    with service.connect("owner", "rolerabbit-import") as owner:
        owner.execute(_MAKE.encode())
        owner.execute(_LOAD.encode())
    wait_for(lambda: int(service.rows(_LOADED, TABLE)[0][0]) >= LOADED, STAND_SECONDS, "the server counted the rows")
    yield Stand({}, counts=lambda: {"rows": LOADED})


@contextmanager
def resting_slot(scene: Scene) -> Iterator[Stand]:
    """A replica is being restarted: nobody reads its slot at this moment, and hardly anything is kept for it."""
    service = scene.service
    scene.will_undo("resting-slot")
    service.rows(_SLOT, SLOT)
    yield Stand({})


@contextmanager
def roomy_pool(scene: Scene) -> Iterator[Stand]:
    """A pooler keeps sessions ready that do nothing, outside of any transaction."""
    with sessions(scene.service) as opened:
        ready = [_used_once(opened) for _ in range(IDLE)]
        yield Stand({}, protected=opened.seen(*ready))


@contextmanager
def short_locks(scene: Scene) -> Iterator[Stand]:
    """A tool takes the whole table for a moment, again and again: readers wait a moment behind it, and no longer."""
    with sessions(scene.service) as opened:
        tool = opened.busy("owner", "partition-tool", _lock_shortly)
        yield Stand({}, protected=opened.seen(tool))


@contextmanager
def half_used_sequence(scene: Scene) -> Iterator[Stand]:
    """A sequence that ends as an integer does is a little past its half: there is time."""
    service = scene.service
    scene.will_undo("sequence")
    move_end(service, "integer", SMALL_END, HALF)
    wait_for(lambda: end(service) == SMALL_END, STAND_SECONDS, "the sequence ends as an integer does")
    yield Stand({})


@contextmanager
def many_cache_clients(scene: Scene) -> Iterator[Stand]:
    """Workers keep their connections to the cache open: many, and far from all that there are."""
    service = scene.service
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(client_of(service)).ping()
        yield Stand({}, counts=lambda: {"clients": CLIENTS})


# ------------------------------------------------------------------ ways back


def undo_import(service: Service, _step: Mapping[str, Any]) -> None:
    """Without the table."""
    service.rows(f"DROP TABLE IF EXISTS {TABLE}")


def undo_resting_slot(service: Service, _step: Mapping[str, Any]) -> None:
    """Without the slot."""
    service.rows(_DROP_SLOT, SLOT)


# ------------------------------------------------------------------ parts


def _lock_shortly(connection: Connection, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        with connection.transaction():
            connection.execute(_WHOLE)
            stop.wait(HELD_SECONDS)


def _take_turns(row: object, connection: Connection, stop: threading.Event) -> None:
    while not stop.wait(HELD_SECONDS):
        with connection.transaction():
            connection.execute(_TOUCH, [row])
            stop.wait(HELD_SECONDS)


def _both(first: object, second: object) -> tuple[tuple[object, object], tuple[object, object]]:
    return (first, second), (second, first)


def _meet(order: tuple[object, object], meeting: threading.Barrier, connection: Connection, _: threading.Event) -> None:
    """Both rows in this order, with the other job half-way; alone a second time if the server ended this one."""
    try:
        with connection.transaction():
            connection.execute(_TOUCH, [order[0]])
            with suppress(threading.BrokenBarrierError):
                meeting.wait(STAND_SECONDS)
            connection.execute(_TOUCH, [order[1]])
    except psycopg.errors.DeadlockDetected:
        with connection.transaction():
            for row in order:
                connection.execute(_TOUCH, [row])


def _used_once(opened: Sessions) -> Connection | Busy:
    connection = opened.open("app", "pgbouncer")
    connection.execute("SELECT 1")
    return connection

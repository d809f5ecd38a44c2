"""Faults of a table that autovacuum leaves out: dead rows that nobody takes away, statistics of long ago."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.drills.sessions import bystanders, sessions

LEFT_OUT: Final = "drill_visits"
"""The table that autovacuum leaves out."""
CARED_FOR: Final = "drill_visits_kept"
"""Its like that autovacuum will come to: it must not be named."""
ROWS: Final = 60_000
STAND_SECONDS: Final = 20.0

_TABLES: Final = (
    f"CREATE TABLE {LEFT_OUT} (id int PRIMARY KEY, page text) WITH (autovacuum_enabled = false)",
    f"CREATE TABLE {CARED_FOR} (id int PRIMARY KEY, page text)",
)
_FILL: Final = "INSERT INTO {} SELECT n, 'page ' || n FROM generate_series({}, {}) AS n"
_EMPTY: Final = "DELETE FROM {} WHERE id > {}"
_UNDO: Final = f"DROP TABLE IF EXISTS {LEFT_OUT}, {CARED_FOR}"
_COUNTERS: Final = "SELECT n_dead_tup, n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = %s"


@contextmanager
def stale_statistics(scene: Scene) -> Iterator[Stand]:
    """Statistics were made while the tables were small; then both grew, and only one will be looked at again."""
    service = scene.service
    with sessions(service) as opened:
        innocent = bystanders(opened)
        scene.will_undo("visits")
        _by_owner(service, *_TABLES, _FILL.format(LEFT_OUT, 1, 500), f"ANALYZE {LEFT_OUT}")
        _by_owner(service, *(_FILL.format(name, 1000, 1000 + ROWS) for name in (LEFT_OUT, CARED_FOR)))
        wait_for(lambda: _counters(service)[1] >= ROWS, STAND_SECONDS, "the server has counted the new rows")
        yield Stand(
            {"kind": "table", "id": LEFT_OUT},
            remedied=lambda: _counters(service)[1] < ROWS / 10,
            protected=innocent,
        )


@contextmanager
def dead_rows(scene: Scene) -> Iterator[Stand]:
    """Most rows of both tables were deleted; only one of them will be vacuumed."""
    service = scene.service
    scene.will_undo("visits")
    _by_owner(service, *_TABLES, *(_FILL.format(name, 1, ROWS) for name in (LEFT_OUT, CARED_FOR)))
    _by_owner(service, f"ANALYZE {LEFT_OUT}", f"ANALYZE {CARED_FOR}")
    kept = scene.dice.randrange(1000, 5000)
    _by_owner(service, *(_EMPTY.format(name, kept) for name in (LEFT_OUT, CARED_FOR)))
    _by_owner(service, f"ANALYZE {LEFT_OUT}")
    with sessions(service) as opened:
        innocent = bystanders(opened)  # the backup begins afterwards: it need not see what was deleted
        wait_for(lambda: _counters(service)[0] >= ROWS - kept, STAND_SECONDS, "the server has counted the dead rows")
        yield Stand(
            {"kind": "table", "id": LEFT_OUT},
            remedied=lambda: _counters(service)[0] < ROWS / 10,
            protected=innocent,
            known={"rows": kept},
        )


def undo_visits(service: Service, _step: Mapping[str, Any]) -> None:
    """Drop what the fault had made for itself."""
    _by_owner(service, _UNDO)


def _by_owner(service: Service, *statements: str) -> None:
    """In a session of its own: its end hands in the counters."""
    with service.connect("owner", "rolerabbit-fault") as owner:
        for statement in statements:
            owner.execute(statement.encode())


def _counters(service: Service) -> tuple[int, int]:
    found = service.rows(_COUNTERS, LEFT_OUT)
    return (int(found[0][0]), int(found[0][1])) if found else (0, 0)

"""Faults of a table and of an index that are mostly air."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

MEGABYTE: Final = 2**20
TABLE: Final = "drill_events"
INDEX: Final = "drill_events_seen_at"
ROOMY: Final = "drill_events_roomy"
"""Its like, which leaves most of each page free on purpose: its rows are changed in place. It must not be named."""
ROWS: Final = 100_000
EVERY: Final = 8
"""One row of so many is kept: every page stays in use, so that none can be given back."""
ROUNDS: Final = 8
INDEXED: Final = 64_000
LEAST: Final = 24 * MEGABYTE
"""What the file of the fault takes at the least."""
STAND_SECONDS: Final = 5.0

_TABLE: Final = "CREATE TABLE {} (id int, key text, seen_at bigint) WITH (autovacuum_enabled = false, fillfactor = {})"
_FILL: Final = "INSERT INTO {} SELECT n, repeat(md5(n::text), {}), n FROM generate_series(1, {}) AS n"
_EMPTY: Final = "DELETE FROM {} WHERE id % {} <> 0"
_INDEX: Final = f"CREATE INDEX {INDEX} ON {TABLE} (seen_at, key)"
_AGAIN: Final = "UPDATE {0} SET seen_at = id + 1000000::bigint * {2} WHERE id % {1} >= {2}"
_UNDO: Final = f"DROP TABLE IF EXISTS {TABLE}, {ROOMY}"
_SIZE: Final = "SELECT coalesce(pg_relation_size(to_regclass(%s)), 0)"


@contextmanager
def bloated_table(scene: Scene) -> Iterator[Stand]:
    """Most rows of a table were deleted once, a few on each page were kept: the file stays as large as it was."""
    service = scene.service
    scene.will_undo("events")
    _by_owner(service, _TABLE.format(TABLE, 100), _FILL.format(TABLE, 8, ROWS), _EMPTY.format(TABLE, EVERY))
    _by_owner(service, _TABLE.format(ROOMY, 15), _FILL.format(ROOMY, 8, ROWS // EVERY))
    _by_owner(service, *(f"VACUUM (ANALYZE) {name}" for name in (TABLE, ROOMY)))
    wait_for(lambda: size(service, TABLE) > LEAST, STAND_SECONDS, "the table's file is large")
    wait_for(lambda: size(service, ROOMY) > LEAST, STAND_SECONDS, "its like is as large")
    yield Stand({"kind": "table", "id": TABLE}, known=_known("table", TABLE), counts=_bytes(service, TABLE))


@contextmanager
def bloated_index(scene: Scene) -> Iterator[Stand]:
    """Rows were seen again and again, and a few of each time were not: each page of the index keeps one of many."""
    service = scene.service
    scene.will_undo("events")
    _by_owner(service, _TABLE.format(TABLE, 100), _FILL.format(TABLE, 3, INDEXED), _INDEX)
    for number in range(1, ROUNDS):
        _by_owner(service, _AGAIN.format(TABLE, ROUNDS, number), f"VACUUM {TABLE}")
    _by_owner(service, f"ANALYZE {TABLE}")
    before = size(service, INDEX)
    wait_for(lambda: before > LEAST, 0.0, f"the index is large ({before} bytes)")
    yield Stand(
        {"kind": "index", "id": INDEX, "table": TABLE},
        remedied=lambda: 0 < size(service, INDEX) < before / 2,
        known=_known("index", INDEX),
        counts=_bytes(service, INDEX),
    )


def undo_events(service: Service, _step: Mapping[str, Any]) -> None:
    """Drop what the fault had made for itself."""
    service.rows(_UNDO)


def size(service: Service, name: str) -> int:
    """Bytes of the main file of a table or an index."""
    return int(service.rows(_SIZE, f"public.{name}")[0][0])


def _bytes(service: Service, name: str) -> Any:
    return lambda: {"bytes": size(service, name)}


def _known(kind: str, name: str) -> Mapping[str, object]:
    return {"accept": [{"kind": kind, "id": f"public.{name}"}], "roomy": ROOMY}


def _by_owner(service: Service, *statements: str) -> None:
    """In a session of its own: its end hands in the counters."""
    with service.connect("owner", "rolerabbit-fault") as owner:
        for statement in statements:
            owner.execute(statement.encode())

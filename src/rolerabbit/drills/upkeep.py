"""Faults that grow slowly: a sequence that comes to its end, and a replication slot that nobody reads any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from psycopg import sql

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

TABLE: Final = "user_reports"
SEQUENCE: Final = "user_reports_id_seq"
SMALL_END: Final = 2**31 - 1
LARGE_END: Final = 2**63 - 1
ALMOST: Final = 2_100_000_000
"""Where the sequence stands: 98 % of what an integer holds, with room for the drill's own rows."""
SLOT: Final = "drill_old_replica"
MESSAGES: Final = 24
MEGABYTE: Final = 2**20
STAND_SECONDS: Final = 15.0

_END: Final = "SELECT seqmax FROM pg_sequence WHERE seqrelid = to_regclass(%s)"
_BACK: Final = "SELECT setval(%s, greatest(coalesce(max(id), 0), 1), coalesce(max(id), 0) > 0) FROM user_reports"
_SLOT: Final = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
_KEPT: Final = """
SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) FROM pg_replication_slots WHERE slot_name = %s"""
_DROP: Final = (
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active"
)


@contextmanager
def used_up_sequence(scene: Scene) -> Iterator[Stand]:
    """The column was widened to bigint once, and the sequence that feeds it was forgotten: it ends as an integer."""
    service = scene.service
    scene.will_undo("sequence")
    move_end(service, "integer", SMALL_END, ALMOST)
    wait_for(lambda: end(service) == SMALL_END, STAND_SECONDS, "the sequence ends as an integer does")
    yield Stand(
        {"kind": "sequence", "id": SEQUENCE},
        remedied=lambda: end(service) > SMALL_END,
        known={"table": TABLE, "accept": [{"kind": "sequence", "id": f"public.{SEQUENCE}"}]},
    )


@contextmanager
def abandoned_slot(scene: Scene) -> Iterator[Stand]:
    """A replica was taken down and its slot was left: the server keeps for it whatever is written."""
    service = scene.service
    scene.will_undo("slot")
    service.rows("SELECT pg_create_physical_replication_slot(%s, true)", SLOT)
    for _ in range(MESSAGES):
        service.rows("SELECT pg_logical_emit_message(false, 'drill', repeat('x', %s))", MEGABYTE)
    wait_for(lambda: _kept(service) > MESSAGES * MEGABYTE, STAND_SECONDS, "the slot keeps what was written")
    yield Stand(
        {"kind": "slot", "id": SLOT},
        remedied=lambda: not service.rows(_SLOT, SLOT),
        counts=lambda: {"bytes_kept": _kept(service)},
    )


def undo_sequence(service: Service, _step: Mapping[str, Any]) -> None:
    """The end of a bigint, and the number after the last row's."""
    last = int(service.rows(_BACK, f"public.{SEQUENCE}")[0][0])
    move_end(service, "bigint", LARGE_END, None)
    assert last >= 1


def undo_slot(service: Service, _step: Mapping[str, Any]) -> None:
    """Without the slot."""
    service.rows(_DROP, SLOT)


def move_end(service: Service, type_: str, end: int, last: int | None) -> None:
    """The sequence has this type and end, and stands at ``last``."""
    text = sql.SQL("ALTER SEQUENCE {} AS {} MAXVALUE {}")
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute(text.format(sql.Identifier("public", SEQUENCE), sql.SQL(type_), sql.Literal(end)))
        if last is not None:
            owner.execute("SELECT setval(%s, %s)", [f"public.{SEQUENCE}", last])


def end(service: Service) -> int:
    """The last number that the sequence can give."""
    return int(service.rows(_END, f"public.{SEQUENCE}")[0][0])


def _kept(service: Service) -> int:
    found = service.rows(_KEPT, SLOT)
    return int(found[0][0]) if found else 0

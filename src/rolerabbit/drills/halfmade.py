"""A fault in which an index was left half-made, beside one that is being made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from psycopg import sql

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import Busy, bystanders, sessions

LEFT: Final = "portfolios_title_idx"
COMING: Final = "audit_logs_action_idx"
TUNING: Final = "nightly-tuning"
"""What the program calls itself that makes both."""
STAND_SECONDS: Final = 40.0

_LEFT: Final = f"CREATE INDEX CONCURRENTLY {LEFT} ON portfolios (title)"
_COMING: Final = f"CREATE INDEX CONCURRENTLY {COMING} ON audit_logs (action)"
_WAITS: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
_INVALID: Final = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"
_BUILDERS: Final = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"


@contextmanager
def invalid_index(scene: Scene) -> Iterator[Stand]:
    """The making of an index was cut off and left it; another index is not valid either, since it is being made."""
    service = scene.service
    scene.will_undo("half-made", names=[LEFT, COMING])
    _cut_off(service)
    with sessions(service) as opened:
        innocent = bystanders(opened)  # the backup among them: what is being made waits for its end
        builder = opened.busy("owner", TUNING, _make(_COMING))
        _wait_until_waiting(service, builder)
        yield Stand(
            {"kind": "index", "id": LEFT},
            remedied=lambda: not _is_invalid(service, LEFT),
            protected=(*innocent, *opened.seen(builder)),
            known={"accept": [{"kind": "index", "id": f"public.{LEFT}"}], "being_made": COMING},
            counts=lambda: {"being_made": int(_is_invalid(service, COMING))},
        )


def undo_half_made(service: Service, step: Mapping[str, Any]) -> None:
    """Without the indexes, and without whoever makes them."""
    service.rows(_BUILDERS, TUNING)
    with service.connect("owner", "rolerabbit-fault") as owner:
        for name in step["names"]:
            owner.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier("public", name)))


def _cut_off(service: Service) -> None:
    """Make it beside an old transaction, for which it has to wait, and cancel it while it does."""
    with sessions(service) as opened:
        old = opened.open("app", "report-notebook")
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM portfolios")
        builder = opened.busy("owner", TUNING, _make(_LEFT))
        _wait_until_waiting(service, builder)
        builder.close()
        wait_for(lambda: _is_invalid(service, LEFT), STAND_SECONDS, f"{LEFT} is left, and not valid")


def _make(statement: str) -> Callable[[Connection, threading.Event], None]:
    def work(connection: Connection, _stop: threading.Event) -> None:
        connection.execute(statement.encode())

    return work


def _wait_until_waiting(service: Service, builder: Busy) -> None:
    wait_for(lambda: service.rows(_WAITS, builder.pid) == [(1,)], STAND_SECONDS, "the index waits for a transaction")


def _is_invalid(service: Service, name: str) -> bool:
    return service.rows(_INVALID, f"public.{name}") == [(1,)]

"""A fault in which one program takes every connection that ordinary roles may have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psycopg

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import Session, bystanders, sessions

EXPORTER: Final = "report-exporter"
REFILL_SECONDS: Final = 0.3
STAND_SECONDS: Final = 15.0

_POOL: Final = """
SELECT pid, backend_start::text, application_name FROM pg_stat_activity
WHERE application_name LIKE 'rolerabbit-api/%' AND now() - backend_start < interval '9 minutes'"""
# Sessions of a pool that are older may be closed by the pool itself, which lets none idle for 10 minutes.
_OURS: Final = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND pid = ANY(%s)"


class Exporter:
    """Opens idle connections until the server refuses, takes what gets free, and gives up once one was ended."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held: list[Connection] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_full, daemon=True)
        self._thread.start()

    @property
    def pids(self) -> list[int]:
        """The sessions that it opened."""
        return [connection.info.backend_pid for connection in list(self._held)]

    @property
    def ended(self) -> int:
        """How many of them the server does not have any more."""
        pids = self.pids
        return len(pids) - int(self._service.rows(_OURS, EXPORTER, pids)[0][0])

    def close(self) -> None:
        """Give all back."""
        self._stop.set()
        self._thread.join()
        for connection in self._held:
            connection.close()

    def _keep_full(self) -> None:
        while not self._stop.is_set():
            try:
                if self._held and self.ended:
                    return
                self._fill()
            except psycopg.Error:
                pass
            self._stop.wait(REFILL_SECONDS)

    def _fill(self) -> None:
        while not self._stop.is_set():
            self._held.append(self._service.connect("app", EXPORTER))


@contextmanager
def too_many_clients(scene: Scene) -> Iterator[Stand]:
    """A program with the service's own role opens idle connections until ordinary roles are refused."""
    service = scene.service
    with sessions(service) as opened, ExitStack() as stack:
        innocent = bystanders(opened)
        exporter = Exporter(service)
        stack.callback(exporter.close)
        wait_for(lambda: is_full(service), STAND_SECONDS, "the server refuses ordinary roles")
        yield Stand(
            {"kind": "database", "id": _database(service)},
            remedied=lambda: exporter.ended > 0 and not is_full(service),
            protected=(*innocent, *(Session(*row) for row in service.rows(_POOL))),
            known={"application": EXPORTER, "accept": [{"kind": "role", "id": "rolerabbit_app"}]},
            counts=lambda: {"opened": len(exporter.pids), "ended": exporter.ended},
        )


def is_full(service: Service) -> bool:
    """Whether an ordinary role is refused for want of a connection."""
    try:
        service.connect("app", "rolerabbit-fault").close()
    except psycopg.OperationalError as error:
        return "connection slots" in str(error) or "too many" in str(error)
    return False


def _database(service: Service) -> str:
    return str(service.rows("SELECT current_database()")[0][0])

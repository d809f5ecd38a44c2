"""No-faults: what looks like trouble and is none."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rolerabbit.drills.figures import figure
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import copied_out, sessions

PEAK_RATE: Final = 40
"""Requests a second on top of the usual ones."""
PEAK_SECONDS: Final = 7200
STAND_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.02
"""Between two rows (or blocks) that a slow reader takes: it costs the database hardly any processor time."""

_TABLES: Final = ("users", "portfolios", "audit_logs", "security_logs", "user_sessions")
_ARCHIVE: Final = "COPY (SELECT p.* FROM portfolios p CROSS JOIN generate_series(1, 2000)) TO STDOUT"
_REPORT: Final = """
SELECT u.email, p.title, p.content, month
FROM generate_series(1, 100000) AS month CROSS JOIN portfolios p JOIN users u ON u.id = p.user_id"""
_STATE: Final = "SELECT state, xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = %s"
_QUIET_STATES: Final = ("active", "idle in transaction")


@contextmanager
def traffic_peak(scene: Scene) -> Iterator[Stand]:
    """Twice the visitors, which the service bears well."""
    service = scene.service
    words = ("load", "--url", service.app_url, "--rate", str(PEAK_RATE), "--seconds", str(PEAK_SECONDS))
    command = (sys.executable, "-m", "rolerabbit", *words, "--seed", str(scene.dice.randrange(1000)), "--exit-on-eof")
    before = answered(service)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: answered(service) - before > 2 * PEAK_RATE, STAND_SECONDS, "more visitors come")
        yield Stand({}, counts=lambda: {"answered": answered(service) - before})
    finally:
        process.communicate()


@contextmanager
def long_backup(scene: Scene) -> Iterator[Stand]:
    """A backup reads every table in one long transaction."""
    service = scene.service
    with sessions(service) as opened:
        backup = opened.busy("owner", "pg_dump", _dump)
        wait_for(lambda: _is_at_work(service, backup.pid), STAND_SECONDS, "the backup's transaction is open")
        yield Stand({}, protected=opened.seen(backup))


@contextmanager
def big_report(scene: Scene) -> Iterator[Stand]:
    """A report reads for long, with one statement that is active all the time and slowly fetched."""
    service = scene.service
    with sessions(service) as opened:
        report = opened.busy("app", "monthly-report", _read_slowly)
        wait_for(lambda: _is_at_work(service, report.pid), STAND_SECONDS, "the report's statement is active")
        yield Stand({}, protected=opened.seen(report))


def answered(service: Service) -> int:
    """Requests that the service has answered, by the platform's metrics."""
    return int(figure(service, "http_requests_total")[0])


def _dump(connection: Connection, stop: threading.Event) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    for table in _TABLES:
        copied_out(connection, f"COPY {table} TO STDOUT", stop)
    while not stop.is_set():
        copied_out(connection, _ARCHIVE, stop, PAUSE_SECONDS)


def _read_slowly(connection: Connection, stop: threading.Event) -> None:
    with connection.cursor() as cursor:
        for _ in cursor.stream(_REPORT, size=50):
            if stop.wait(PAUSE_SECONDS):
                return


def _is_at_work(service: Service, pid: int) -> bool:
    found = service.rows(_STATE, pid)
    return bool(found) and found[0][0] in _QUIET_STATES and bool(found[0][1])

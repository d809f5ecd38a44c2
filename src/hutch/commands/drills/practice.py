"""``practice-lock``: a fault for any Postgres, safe for a service of your own.

Two sessions of this program take one advisory lock that nothing else uses: one holds it, the other waits. No table is
touched, no session of the service waits, and both end with this process.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

APPLICATION = "drill-practice"
KEY = 7_236_417_205
"""The number of the lock: one that nobody would choose by chance."""

CONNECT = 5
STAND = 10.0

_WAITS = "SELECT %s = ANY(pg_blocking_pids(%s))"
_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = %s AND usename = current_user AND pid <> pg_backend_pid()"""


@dataclass(frozen=True, slots=True)
class Practice:
    """The fault, for its entry point."""

    name: str = "practice-lock"
    summary: str = "a session of this program holds an advisory lock, another of its own waits; nothing else is touched"
    cause: str = "postgres.blocked_by_lock"
    object_kind: str = "session"
    remedies: tuple[str, ...] = ("postgres.end_sessions",)
    spares: tuple[str, ...] = ("every session of the service",)
    own_service: bool = True

    def argv(self, ready_file: Path) -> Sequence[str]:
        """The process that makes it."""
        return (sys.executable, "-m", "hutch.commands.drills.practice", "run", str(ready_file))

    def undo_argv(self, ready_file: Path) -> Sequence[str]:
        """The process that ends what a killed one left."""
        return (sys.executable, "-m", "hutch.commands.drills.practice", "undo", str(ready_file))


FAULTS = (Practice(),)


def run(url: str) -> None:
    """Make it, say so, hold it until the input ends, end it."""
    with _session(url) as holder, _session(url) as waiter, _session(url) as looker:
        holder.execute("SELECT pg_advisory_lock(%s)", [KEY])
        thread = threading.Thread(target=_wait, args=(waiter,), daemon=True)
        thread.start()
        pid, waiting = holder.info.backend_pid, waiter.info.backend_pid
        if not _stands(looker, pid, waiting):
            raise SystemExit("the second session does not wait")
        on = {"kind": "session", "id": str(pid), "application": APPLICATION}
        _say({"state": "on", "object": on, "protected": []})
        sys.stdin.read()
        gone = not _stands(looker, pid, waiting)
        with suppress(psycopg.Error):
            holder.close()
        thread.join(STAND)
    _say({"state": "off", "remedied": gone, "protected_lost": [], "rows_lost": 0})


def undo(url: str) -> None:
    """End every session that calls itself so; its own login's alone."""
    with _session(url, "drill-practice-undo") as connection:
        connection.execute(_END, [APPLICATION])
    _say({"state": "undone"})


def _session(url: str, application: str = APPLICATION) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, application_name=application, connect_timeout=CONNECT)


def _wait(connection: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        connection.execute("SELECT pg_advisory_lock(%s)", [KEY])


def _stands(looker: psycopg.Connection, holder: int, waiter: int) -> bool:
    for _ in range(20):
        with suppress(psycopg.Error):
            row = looker.execute(_WAITS, [holder, waiter]).fetchone()
            if row and row[0]:
                return True
        threading.Event().wait(0.1)
    return False


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def _url(ready_file: str) -> str:
    try:
        ready = json.loads(Path(ready_file).read_text(encoding="utf-8"))
        return str(ready.get("app_database_url") or ready["database_url"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SystemExit(f"{ready_file}: a JSON object with database_url was expected ({error!r})") from error


if __name__ == "__main__":
    {"run": run, "undo": undo}[sys.argv[1]](_url(sys.argv[2]))

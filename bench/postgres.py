"""The checks of a Postgres server over a large schema: the whole over its floor, its load, beside check_postgres."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import yaml

from bench import check_postgres
from bench.diagnosis import Patient
from bench.measure import Figure, Goal, Ratio, Round, parts, per_round, spread
from bench.room import scratch
from hutch.bootstrap.wire import open_context
from rolerabbit.embedded.postgres import Postgres

TABLES, QUICK_TABLES = 1000, 20
INTERVAL: Final = 30.0
"""Seconds between two diagnoses by default (diagnose_every)."""
POLLING: Final = 3.0
"""Seconds between two diagnoses where the time from fault to cause is taken: shorter, and so harder to keep."""
HOW = (
    "An embedded server with 1,000 tables and 5,000 indexes (`--quick`: 20 and 100), a login with pg_monitor and "
    "pg_read_all_data. The whole is `hutch diagnose --json` in a process whose connections are warm, as `hutch serve` "
    "has them; the floor is the greater of the slowest check and half the sum, each check run alone in the same round. "
    "Beside it Debian's check_postgres (fetched with apt-get download into the bench's cache), one process for each "
    "action as a monitor runs it, over Hutch's checks for the same questions, all at once. From fault to cause it is "
    "measured with a diagnosis every 3 s: a session takes a row, another waits for it, at a random moment between two "
    "diagnoses. The load is the processor time of all server processes for one diagnosis, divided by the default "
    "interval of 30 s."
)
_MAKE = """
do $$ begin
  for i in 1..{tables} loop
    execute format('create table t%s (id bigserial primary key, a int, b int, c text, d timestamptz)', i);
    execute format('create index on t%s (a)', i);
    execute format('create index on t%s (b)', i);
    execute format('create index on t%s (c)', i);
    execute format('create index on t%s (d)', i);
    execute format('insert into t%s select n, n, n, n, now() from generate_series(1, 20) n', i);
  end loop;
end $$"""
_LOGIN = "create role watcher login password 'watcher-word'; grant pg_monitor, pg_read_all_data to watcher"


def measure(quick: bool) -> Figure:
    """One server for all rounds; without check_postgres the other figures stand."""
    with scratch() as folder, Postgres.temporary(max_locks_per_transaction=2000) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(_MAKE.format(tables=QUICK_TABLES if quick else TABLES).encode())
            admin.execute(_LOGIN)
            admin.execute("create extension pg_stat_statements")
            admin.execute("vacuum analyze")
        script = None if quick else check_postgres.program()
        return asyncio.run(_measured(folder, server, script, 1 if quick else 8))


def _room(folder: Path, server: Postgres) -> Path:
    """A configuration in which every look is a fresh one."""
    (folder / "url").write_text(server.url_for("postgres", "watcher", "watcher-word"), encoding="utf-8")
    block = {"url": {"file": "url"}, "slow_look_every": 0.001}
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump({"services": {"bench": {"postgres": block}}}), encoding="utf-8")
    return path


async def _measured(folder: Path, server: Postgres, script: Path | None, rounds: int) -> Figure:
    context = open_context(_room(folder, server))
    try:
        patient = Patient(context)
        await patient.whole()  # connects
        found = [await _round(patient, server, script, number) for number in range(rounds)]
        waits = [await _until_named(patient, server, (number + 0.5) / rounds) for number in range(rounds)]
    finally:
        await context.close()
    cpu = spread([r["server processor time (s)"] for r in found])
    facts: dict[str, str | int | float] = {
        "checks": len(patient.checks),
        "load on the server at the default interval (% of a core)": round(100 * cpu.median / INTERVAL, 2),
        "seconds from fault to cause (median)": round(spread(waits).median, 2),
    }
    return Figure(
        "postgres", "Postgres checks on a large schema", HOW, (*_ratios(found, waits), *_beside(found)), facts
    )


def _ratios(found: list[Round], waits: list[float]) -> tuple[Ratio, ...]:
    whole = per_round(found, lambda r: r["whole (s)"] / max(r["slowest check (s)"], r["sum of checks (s)"] / 2))
    names = ("whole (s)", "slowest check (s)", "sum of checks (s)", "server processor time (s)")
    floor = "max(slowest check, sum of checks ÷ 2)"
    return (
        Ratio("whole diagnosis", floor, whole, Goal(1.5), parts(found, *names)),
        Ratio("from fault to cause", "the polling interval", spread([w / POLLING for w in waits]), Goal(2)),
    )


def _beside(found: list[Round]) -> tuple[Ratio, ...]:
    if "check_postgres (s)" not in found[0]:
        return ()
    value = per_round(found, lambda r: r["the same by Hutch (s)"] / r["check_postgres (s)"])
    named = parts(found, "the same by Hutch (s)", "check_postgres (s)")
    return (Ratio("beside check_postgres", f"{len(check_postgres.ACTIONS)} actions", value, Goal(1 / 20), named),)


async def _round(patient: Patient, server: Postgres, script: Path | None, number: int) -> Round:
    before = processor_seconds(server.pid)
    await patient.whole()
    cost = processor_seconds(server.pid) - before
    found = {**await patient.round(number), "server processor time (s)": cost}
    if script is None:
        return found
    theirs = await asyncio.to_thread(check_postgres.all_actions, script, server)
    began = time.perf_counter()
    await asyncio.gather(*(patient.checks[f"postgres.{name}"]() for name in check_postgres.SHARED))
    return {**found, "the same by Hutch (s)": time.perf_counter() - began, "check_postgres (s)": theirs}


def processor_seconds(postmaster: int) -> float:
    """User and system time of the server's processes, those that have ended included (man 5 proc, /proc/PID/stat)."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
    ticks = sum(_ticks(pid) for pid in (str(postmaster), *children))
    return ticks / 100.0


def _ticks(pid: str) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0


async def _until_named(patient: Patient, server: Postgres, phase: float) -> float:
    """Seconds from the moment of the fault, ``phase`` of an interval after a diagnosis began, to its cause."""
    await patient.whole()
    await asyncio.sleep(phase * POLLING)
    with _blocked(server) as pid:
        at = time.monotonic()
        await asyncio.sleep((1 - phase) * POLLING)
        for _ in range(5):
            began = time.monotonic()
            causes = (await patient.whole())["causes"]
            if isinstance(causes, list) and any(_names(cause, pid) for cause in causes):
                return time.monotonic() - at
            await asyncio.sleep(max(0.0, POLLING - (time.monotonic() - began)))
    raise RuntimeError("the fault was not named within five intervals")


def _names(cause: dict[str, object], pid: int) -> bool:
    thing = cause["object"]
    assert isinstance(thing, dict)
    return cause["code"] == "postgres.blocked_by_lock" and thing["id"] == str(pid)


@contextlib.contextmanager
def _blocked(server: Postgres) -> Iterator[int]:
    """A session that took a row and does nothing, and one that waits for it; the pid of the first."""
    with psycopg.connect(server.url) as root, psycopg.connect(server.url, autocommit=True) as waiter:
        root.execute("update t1 set a = a where id = 1")
        waiting = threading.Thread(target=_wait, args=[waiter])
        waiting.start()
        try:
            yield root.info.backend_pid
        finally:
            waiter.cancel_safe()
            waiting.join()
            root.rollback()


def _wait(session: psycopg.Connection) -> None:
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        session.execute("update t1 set a = a where id = 1")

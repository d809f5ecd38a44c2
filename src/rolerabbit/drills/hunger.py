"""Faults in which a statement that runs again and again asks too much: of processors, of work_mem, of the cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any, Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import bystanders, sessions

DASHBOARD: Final = "sales-dashboard"
HASHES: Final = 500_000
"""Rows of which one execution computes two: some 0.4 s on a processor of its own. It sums, and sorts nothing: a sort
that goes to the disk would be another fault's."""
WIDE_ROWS: Final = 20_000
"""Rows of a kilobyte that one execution sorts: five times what the usual work_mem of 4 MB holds."""
ARCHIVE: Final = "drill_pages"
PAGES: Final = 12_000
"""Rows of the archive, each on a page of its own: three times what the platform's shared_buffers hold."""
LOOKED_UP: Final = 2_000
"""Rows that one execution looks up."""
PAUSE_SECONDS: Final = 0.2
SHORT_SECONDS: Final = 0.005
STAND_SECONDS: Final = 60.0

_PORTFOLIOS: Final = "SELECT count(*) FROM portfolios"
_HEAVY: Final = "SELECT sum(ascii(md5(md5(p.title || n)))) FROM portfolios p CROSS JOIN generate_series(1, %s) AS n"
_SHORT: Final = "SELECT count(*) FROM users WHERE id = (SELECT id FROM users LIMIT 1)"
_WIDE: Final = """
SELECT sum(length(s.page)) FROM (
    SELECT rpad(p.title, 1000, 'x') AS page FROM portfolios p CROSS JOIN generate_series(1, %s) AS month
    ORDER BY month, p.id OFFSET 1) AS s"""
_ONCE: Final = """
SELECT sum(length(s.line)) FROM (
    SELECT rpad(n::text, 1000, 'y') AS line FROM generate_series(1, %s) AS n
    ORDER BY md5(n::text), line OFFSET 1) AS s"""
_SPILLED: Final = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
_READS: Final = "SELECT blks_read FROM pg_stat_database WHERE datname = current_database()"
_WORKING: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'active'"
_MAKE: Final = (
    f"CREATE UNLOGGED TABLE {ARCHIVE} (id int PRIMARY KEY, page text) WITH (fillfactor = 10)",
    f"INSERT INTO {ARCHIVE} SELECT n, repeat(md5(n::text), 16) FROM generate_series(1, {PAGES}) AS n",  # noqa: S608
    f"ANALYZE {ARCHIVE}",
)
_LOOK_UP: Final = f"SELECT sum(length(page)) FROM {ARCHIVE} WHERE id = ANY(%s)"  # noqa: S608 - names of our own


@contextmanager
def heavy_statement(scene: Scene) -> Iterator[Stand]:
    """Two open dashboards compute the same heavy sum without a pause, beside a job with very many light statements."""
    service = scene.service
    rounds = HASHES // int(service.rows(_PORTFOLIOS)[0][0]) + 1
    with sessions(service) as opened:
        light = opened.busy("app", "rolerabbit-metrics", _lightly)
        innocent = (*bystanders(opened), *opened.seen(light))
        guilty = [opened.busy("app", DASHBOARD, partial(_again, _HEAVY, rounds)) for _ in range(2)]
        pids = [busy.pid for busy in guilty]
        wait_for(lambda: service.rows(_WORKING, pids) == [(2,)], STAND_SECONDS, "both dashboards compute")
        known = opened.seen(*guilty)
        yield Stand(
            {"kind": "session", "id": str(pids[0])},
            remedied=lambda: all(session.lost(service) for session in known),
            protected=innocent,
            known={"application": DASHBOARD, "accept": [{"kind": "session", "id": str(pid)} for pid in pids]},
        )


@contextmanager
def small_work_mem(scene: Scene) -> Iterator[Stand]:
    """A dashboard sorts more than work_mem holds, again and again; a report has done so once, with less of it."""
    service = scene.service
    months = WIDE_ROWS // int(service.rows(_PORTFOLIOS)[0][0]) + 1
    with sessions(service) as opened:
        report = opened.open("app", "monthly-report")
        report.execute(_ONCE, [WIDE_ROWS // 2])
        innocent = (*bystanders(opened), *opened.seen(report))
        before = int(service.rows(_SPILLED)[0][0])
        opened.busy("app", DASHBOARD, partial(_now_and_then, _WIDE, months))
        wait_for(
            lambda: int(service.rows(_SPILLED)[0][0]) > before + 2000 * WIDE_ROWS, STAND_SECONDS, "sorts go to the disk"
        )
        yield Stand(
            {"kind": "setting", "id": "work_mem"},
            protected=innocent,
            known={"application": DASHBOARD},
            counts=lambda: {"bytes_spilled": int(service.rows(_SPILLED)[0][0]) - before},
        )


@contextmanager
def small_cache(scene: Scene) -> Iterator[Stand]:
    """A feed shows pages at random out of an archive that is larger than the cache; a backup reads others once."""
    service = scene.service
    scene.will_undo("pages")
    with service.connect("owner", "rolerabbit-fault") as owner:
        for statement in _MAKE:
            owner.execute(statement.encode())
    with sessions(service) as opened:
        innocent = bystanders(opened)
        before = int(service.rows(_READS)[0][0])
        opened.busy("app", "rolerabbit-feed", partial(_look_up, Random(scene.dice.random())))  # noqa: S311 - no secret
        wait_for(
            lambda: int(service.rows(_READS)[0][0]) > before + 2 * PAGES, STAND_SECONDS, "the archive is read again"
        )
        yield Stand(
            {"kind": "setting", "id": "shared_buffers"},
            protected=innocent,
            known={"table": ARCHIVE},
            counts=lambda: {"pages_read": int(service.rows(_READS)[0][0]) - before},
        )


def undo_pages(service: Service, _step: Mapping[str, Any]) -> None:
    """Without the archive."""
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute(f"DROP TABLE IF EXISTS {ARCHIVE}".encode())


def _again(statement: str, size: int, connection: Connection, stop: threading.Event) -> None:
    while not stop.is_set():
        connection.execute(statement.encode(), [size])


def _now_and_then(statement: str, size: int, connection: Connection, stop: threading.Event) -> None:
    """With a pause as long as it took: on a busy machine, too, it keeps no processor busy all the time."""
    took = 0.0
    while not stop.wait(max(took, PAUSE_SECONDS / 2)):
        began = time.monotonic()
        connection.execute(statement.encode(), [size])
        took = time.monotonic() - began


def _lightly(connection: Connection, stop: threading.Event) -> None:
    while not stop.wait(SHORT_SECONDS):
        connection.execute(_SHORT)


def _look_up(dice: Random, connection: Connection, stop: threading.Event) -> None:
    while not stop.wait(PAUSE_SECONDS / 10):
        connection.execute(_LOOK_UP.encode(), [dice.sample(range(1, PAGES + 1), LOOKED_UP)])

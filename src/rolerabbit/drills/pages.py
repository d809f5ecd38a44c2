"""A fault in which what is stored is not what was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.loop import Loop
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import CONNECT_SECONDS, Service, wait_for

DAMAGED: Final = "drill_invoices"
SOUND: Final = "drill_invoices_sound"
"""Its like, whose last page is all zeros, as a crash leaves them: that is no damage, and it must not be named."""
PAGE: Final = 8192
ROWS: Final = 20_000
READ_SECONDS: Final = 1.0
STAND_SECONDS: Final = 20.0

_FILL: Final = (
    "CREATE TABLE invoices (id int PRIMARY KEY, line text) WITH (autovacuum_enabled = false)",
    "INSERT INTO invoices SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n",
    "CHECKPOINT",
    "CREATE EXTENSION pg_buffercache",
    "SELECT pg_buffercache_evict_relation('invoices')",
)
_FILE: Final = "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('invoices')"
_CHECKED: Final = "SELECT current_setting('data_checksums') = 'on'"
_FAILURES: Final = "SELECT coalesce(max(checksum_failures), 0) FROM pg_stat_database WHERE datname = %s"


@contextmanager
def flipped_page(scene: Scene) -> Iterator[Stand]:
    """The disk gives back one bit of a page otherwise than it was written, and a job reads that page."""
    service = scene.service
    if not service.rows(_CHECKED)[0][0]:
        raise FaultError("this server keeps no checksums of its pages: nobody would notice")
    for name in (DAMAGED, SOUND):
        scene.will_undo("database", name=name)
        service.rows(f"CREATE DATABASE {name}")
    flipped, _ = _stored(service, DAMAGED), _stored(service, SOUND)
    _flip(flipped, PAGE + PAGE // 2)
    _append_zeros(_stored_file(service, SOUND))
    with _reading(service):
        wait_for(lambda: _failures(service, DAMAGED) > 0, STAND_SECONDS, "a read met the damaged page")
        wait_for(lambda: _read(service, SOUND) == ROWS, 0.0, "the other table is read whole")
        yield Stand(
            {"kind": "database", "id": DAMAGED},
            known={"table": "invoices", "sound": SOUND},
            counts=lambda: {"failures": _failures(service, DAMAGED), "of_the_sound_one": _failures(service, SOUND)},
        )


def undo_database(service: Service, step: Mapping[str, Any]) -> None:
    """Without the database, and so without what the server counted for it."""
    with service.connect("superuser", "rolerabbit-fault") as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(step["name"])))


@contextmanager
def _reading(service: Service) -> Iterator[None]:
    """A job that reads both tables again and again."""

    def read_both() -> None:
        for name in (DAMAGED, SOUND):
            with suppress(psycopg.Error):
                _read(service, name)

    loop = Loop(read_both, lambda: READ_SECONDS)
    try:
        yield
    finally:
        loop.close()


def _stored(service: Service, database: str) -> Path:
    """Fill the table and let go of its pages; its file."""
    with _into(service, database) as session:
        for statement in _FILL:
            session.execute(statement.encode())
    return _stored_file(service, database)


def _stored_file(service: Service, database: str) -> Path:
    with _into(service, database) as session:
        row = session.execute(_FILE.encode()).fetchone()
    assert row is not None
    return Path(str(row[0]))


def _read(service: Service, database: str) -> int:
    with _into(service, database) as session:
        row = session.execute("SELECT count(line) FROM invoices").fetchone()
    return int(row[0]) if row else 0


def _into(service: Service, database: str) -> psycopg.Connection[Any]:
    url = urlsplit(service.url("database_url"))._replace(path=f"/{database}").geturl()
    return psycopg.connect(url, autocommit=True, application_name="billing-job", connect_timeout=CONNECT_SECONDS)


def _failures(service: Service, database: str) -> int:
    return int(service.rows(_FAILURES, database)[0][0])


def _flip(file: Path, at: int) -> None:
    """Turn one bit of the file."""
    with file.open("r+b") as stored:
        stored.seek(at)
        byte = stored.read(1)
        stored.seek(at)
        stored.write(bytes([byte[0] ^ 1]))


def _append_zeros(file: Path) -> None:
    with file.open("ab") as stored:
        stored.write(bytes(PAGE))

"""Faults in which a migration stopped half-way (an index that is not valid, and a row that says so) or was forgotten,
and a no-fault in which one is half-way since it is at work."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from rolerabbit import database
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Connection, Service, wait_for
from rolerabbit.drills.sessions import bystanders, sessions
from rolerabbit.migrate import Migration, MigrationError, bundled, parse_migration

NAME: Final = "portfolio_titles"
INDEX: Final = "portfolios_user_id_title_id_idx"
STAND_SECONDS: Final = 20.0

_FILE: Final = f"""-- migrate:up transaction:false
CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON portfolios (user_id, title, id);

-- migrate:down
DROP INDEX CONCURRENTLY IF EXISTS {INDEX};
"""
_BUILDS: Final = """
SELECT pid FROM pg_stat_activity
WHERE application_name = 'rolerabbit-db' AND query LIKE %s AND wait_event_type = 'Lock'"""
_INVALID: Final = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"
_UNFINISHED: Final = """
SELECT count(*) FROM schema_migrations WHERE version = %s AND started_at IS NOT NULL AND finished_at IS NULL"""


_COLUMN: Final = "badge"
_RUNNING: Final = """-- migrate:up transaction:false
ALTER TABLE portfolios ADD COLUMN badge text;
SELECT count(*) FROM portfolios WHERE badge IS NOT NULL;
CREATE INDEX CONCURRENTLY portfolios_badge_idx ON portfolios (badge);

-- migrate:down
ALTER TABLE portfolios DROP COLUMN badge;
"""
_BEGUN: Final = "INSERT INTO schema_migrations (version, started_at, statements_done) VALUES (%s, now(), 1)"
_ADDED: Final = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'portfolios'::regclass AND attname = %s"
_BATCH_SECONDS: Final = 0.2

_DUE_COLUMN: Final = "pinned"
_DUE: Final = f"""-- migrate:up
ALTER TABLE portfolios ADD COLUMN {_DUE_COLUMN} boolean NOT NULL DEFAULT false;

-- migrate:down
ALTER TABLE portfolios DROP COLUMN {_DUE_COLUMN};
"""


@contextmanager
def running_migration(scene: Scene) -> Iterator[Stand]:
    """A migration has made its column and works on its rows, batch by batch, under its tool's lock."""
    service = scene.service
    version = _file_name().partition("_")[0]
    file = Path(service.url("migrations_dir")) / f"{version}_{_COLUMN}.sql"
    scene.will_undo("running", version=version, file=str(file))
    file.write_text(_RUNNING, encoding="utf-8")
    with sessions(service) as opened:
        tool = opened.busy("owner", "rolerabbit-db", partial(_work, version))
        wait_for(lambda: service.rows(_ADDED, _COLUMN) == [(1,)], STAND_SECONDS, "the migration has made its column")
        yield Stand({}, protected=opened.seen(tool))


def _work(version: str, connection: Connection, stop: threading.Event) -> None:
    connection.execute("SELECT pg_advisory_lock(%s)", [database.ADVISORY_LOCK])
    connection.execute(_BEGUN, [version])
    connection.execute("ALTER TABLE portfolios ADD COLUMN badge text")
    while not stop.wait(_BATCH_SECONDS):
        connection.execute("SELECT count(*) FROM portfolios WHERE badge IS NOT NULL")


def undo_running(service: Service, step: Mapping[str, Any]) -> None:
    """Without the column, the row and the file."""
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute("ALTER TABLE portfolios DROP COLUMN IF EXISTS badge")
        owner.execute("DELETE FROM schema_migrations WHERE version = %s", [step["version"]])
    Path(step["file"]).unlink(missing_ok=True)


@contextmanager
def pending_migration(scene: Scene) -> Iterator[Stand]:
    """A release brought a migration that nobody applied; beside it lies a draft that no tool would take for one."""
    service = scene.service
    version = _file_name().partition("_")[0]
    folder = Path(service.url("migrations_dir"))
    file, draft = folder / f"{version}_pinned_portfolios.sql", folder / f"{int(version) + 1:03d}_themes.sql.draft"
    scene.will_undo("pending", version=version, files=[str(file), str(draft)])
    for path in (draft, file):
        path.write_text(_DUE, encoding="utf-8")
    with sessions(service) as opened:
        yield Stand(
            {"kind": "migration", "id": version},
            remedied=lambda: service.rows(_ADDED, _DUE_COLUMN) == [(1,)],
            protected=bystanders(opened),
            known={"file": file.name, "draft": draft.name},
        )


def undo_pending(service: Service, step: Mapping[str, Any]) -> None:
    """Without the files, and without the column and the row, where somebody applied it."""
    for path in step["files"]:
        Path(path).unlink(missing_ok=True)
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute(f"ALTER TABLE portfolios DROP COLUMN IF EXISTS {_DUE_COLUMN}".encode())
        owner.execute("DELETE FROM schema_migrations WHERE version = %s", [step["version"]])


@contextmanager
def half_applied_migration(scene: Scene) -> Iterator[Stand]:
    """A migration makes an index concurrently, waits for an old transaction, and is cancelled there."""
    service = scene.service
    migrations = [*bundled(), parse_migration(_file_name(), _FILE)]
    version = migrations[-1].version
    folder = Path(service.url("migrations_dir"))
    scene.will_undo("migration", version=version, file=str(folder / _file_name()))
    (folder / _file_name()).write_text(_FILE, encoding="utf-8")
    _cut_off(service, migrations)
    wait_for(lambda: is_half(service, version), STAND_SECONDS, f"migration {version} is half applied")
    yield Stand(
        {"kind": "migration", "id": version},
        remedied=lambda: not is_invalid(service),
        known={"index": INDEX, "file": _file_name(), "accept": [{"kind": "index", "id": INDEX}]},
    )


def undo_migration(service: Service, step: Mapping[str, Any]) -> None:
    """Without the index, the row and the file, half applied or whole."""
    for (pid,) in service.rows(_BUILDS, f"%{INDEX}%"):
        service.rows("SELECT pg_terminate_backend(%s, 5000)", pid)
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier("public", INDEX)))
        owner.execute("DELETE FROM schema_migrations WHERE version = %s", [step["version"]])
    Path(step["file"]).unlink(missing_ok=True)


def is_half(service: Service, version: str) -> bool:
    """Whether the index is there and not valid, and the migration begun and not finished."""
    return is_invalid(service) and service.rows(_UNFINISHED, version) == [(1,)]


def is_invalid(service: Service) -> bool:
    """Whether the index is there and not valid."""
    return service.rows(_INVALID, f"public.{INDEX}") == [(1,)]


def _cut_off(service: Service, migrations: list[Migration]) -> None:
    """Run the migration beside an old transaction, for which it has to wait, and cancel it while it does."""
    with sessions(service) as opened:
        old = opened.open("app", "report-notebook")
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM portfolios")
        runner = threading.Thread(target=_run, args=(service.url("owner_url"), migrations), daemon=True)
        runner.start()
        wait_for(lambda: service.rows(_BUILDS, f"%{INDEX}%"), STAND_SECONDS, "the index waits for an old transaction")
        for (pid,) in service.rows(_BUILDS, f"%{INDEX}%"):
            service.rows("SELECT pg_cancel_backend(%s)", pid)
        runner.join(STAND_SECONDS)


def _run(url: str, migrations: list[Migration]) -> None:
    with contextlib.suppress(MigrationError, psycopg.Error):
        database.up(url, migrations)


def _file_name() -> str:
    return f"{int(bundled()[-1].version) + 1:03d}_{NAME}.sql"

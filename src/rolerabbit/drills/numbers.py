"""A fault in which transaction numbers are used up and one table keeps the oldest of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import CONNECT_SECONDS, Service, wait_for

OLD: Final = "drill_ledger"
FROZEN: Final = "drill_ledger_frozen"
"""Its like, as old, as large and as little changed, whose rows are frozen: it must not be named."""
BURNT: Final = 1_000_000
AT_ONCE: Final = 50_000
"""Numbers that one call uses up; each is a transaction of its own, so that no snapshot has to remember them."""
ROWS: Final = 5_000
STAND_SECONDS: Final = 10.0

_TABLE: Final = "CREATE TABLE {} (id int PRIMARY KEY, line text) WITH (autovacuum_enabled = false)"
_FILL: Final = "INSERT INTO {} SELECT n, md5(n::text) FROM generate_series(1, {}) AS n"
_BURN: Final = f"""
DO $$ BEGIN FOR i IN 1..{AT_ONCE} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"""
_DATABASES: Final = "SELECT datname, datallowconn FROM pg_database ORDER BY datname"
_OTHERS: Final = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relfrozenxid <> '0' AND c.relname <> %s AND NOT pg_is_other_temp_schema(n.oid)"""
_AGE: Final = "SELECT coalesce(age(relfrozenxid), 0) FROM pg_class WHERE oid = to_regclass(%s)"
_AGES: Final = "SELECT max(age(datfrozenxid)) FROM pg_database"


@contextmanager
def old_numbers(scene: Scene) -> Iterator[Stand]:
    """A million transaction numbers were used up since the rows of a table that autovacuum leaves out were written."""
    service = scene.service
    scene.will_undo("ledgers")
    with service.connect("owner", "rolerabbit-fault") as owner:
        for name in (OLD, FROZEN):
            owner.execute(_TABLE.format(name).encode())
            owner.execute(_FILL.format(name, ROWS).encode())
    with service.connect("superuser", "rolerabbit-fault") as burner:
        burner.execute("SET synchronous_commit = off")
        for _ in range(BURNT // AT_ONCE):
            burner.execute(_BURN.encode())
    _freeze_everything_else(service)
    wait_for(lambda: age(service, OLD) >= BURNT, STAND_SECONDS, "the table's rows are old")
    wait_for(lambda: age(service, FROZEN) < BURNT / 10, STAND_SECONDS, "those of its like are frozen")
    yield Stand(
        {"kind": "table", "id": OLD},
        remedied=lambda: age(service, OLD) < BURNT / 10,
        known={"frozen": FROZEN, "accept": [{"kind": "table", "id": f"public.{OLD}"}]},
        counts=lambda: {"age": age(service, OLD)},
    )


def undo_ledgers(service: Service, _step: Mapping[str, Any]) -> None:
    """Without the tables; the numbers stay used up, and nothing is as old as that any more."""
    service.rows(f"DROP TABLE IF EXISTS {OLD}, {FROZEN}")
    with service.connect("superuser", "rolerabbit-fault") as admin:
        admin.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS false")
        if int(service.rows(_AGES)[0][0]) >= BURNT / 10:
            _freeze_everything_else(service)


def age(service: Service, table: str) -> int:
    """Transactions since the oldest row of a table that is not frozen; 0 without the table."""
    found = service.rows(_AGE, f"public.{table}")
    return int(found[0][0]) if found else 0


def _freeze_everything_else(service: Service) -> None:
    """All tables of all databases but the one that is to be old; template0 takes sessions for as long as that lasts."""
    with service.connect("superuser", "rolerabbit-fault") as admin:
        for name, open_ in service.rows(_DATABASES):
            here = sql.Identifier(name)
            if not open_:
                admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(here))
            try:
                _freeze(service, name)
            finally:
                if not open_:
                    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(here))


def _freeze(service: Service, database: str) -> None:
    url = urlsplit(service.url("database_url"))._replace(path=f"/{database}").geturl()
    with psycopg.connect(
        url, autocommit=True, application_name="rolerabbit-fault", connect_timeout=CONNECT_SECONDS
    ) as session:
        names = [str(row[0]) for row in session.execute(_OTHERS.encode(), [OLD])]
        session.execute(f"VACUUM (FREEZE) {', '.join(names)}".encode())

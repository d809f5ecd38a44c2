"""A fault in which a frequent query lost the index that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final

from psycopg import sql

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.security import watched
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.drills.visitors import a_v4, log_in
from rolerabbit.seed import SEED_HASH

INDEX: Final = "portfolios_user_id_idx"
TABLE: Final = "portfolios"
ARCHIVE: Final = "archive@drill.example.com"
ROWS: Final = 250_000
READS_PER_SECOND: Final = 10.0
SLOWER: Final = 5.0
"""The query must take this many times as long as with its index."""
STAND_SECONDS: Final = 30.0

_OWNER: Final = """
INSERT INTO users (email, name, password_hash) VALUES (%s, 'Archive', 'no password')
ON CONFLICT (lower(email)) DO UPDATE SET updated_at = now() RETURNING id"""
_GROW: Final = """
INSERT INTO portfolios (user_id, title, content, subdomain, visibility)
SELECT %s, 'Archived', repeat('archived work ', 20), 'drill-archive-' || number, 'private'
FROM generate_series(1, %s) AS number"""
LARGE: Final = 8 * 1024 * 1024
"""Bytes of the table past which the archive's room is still in it: without it, it has one."""
SHRUNK_SECONDS: Final = 60.0
_SHRINK: Final = (
    "DELETE FROM portfolios WHERE user_id = (SELECT id FROM users WHERE lower(email) = %s)",
    "DELETE FROM users WHERE lower(email) = %s",
)
_DEFINITION: Final = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname = %s"
_USABLE: Final = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'public.portfolios'::regclass AND i.indisvalid AND i.indpred IS NULL
  AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid AND attname = 'user_id')"""
_ON_OWNER: Final = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'public.portfolios'::regclass AND i.indpred IS NULL
  AND i.indkey[0] = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid AND attname = 'user_id')
ORDER BY c.relname = %s DESC"""
_VALID_DEFINITION: Final = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index
WHERE indexrelid = to_regclass('public.' || quote_ident(%s)) AND indisvalid"""
_PLAN: Final = "EXPLAIN (FORMAT JSON, ANALYZE) SELECT * FROM portfolios WHERE user_id = %s AND deleted_at IS NULL"


@contextmanager
def missing_index(scene: Scene) -> Iterator[Stand]:
    """The list of somebody's own portfolios reads the whole, large table; a dashboard asks for it all the time."""
    service = scene.service
    definition = _definition(service)
    address = a_v4(scene.dice)
    watched(scene, address)
    token = log_in(service, scene.dice, None, address)
    scene.will_undo("archive")
    _grow(service)
    quick = _milliseconds(service)
    scene.will_undo("index", definition=definition)
    with service.connect("owner", "rolerabbit-fault") as owner:
        owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("public", INDEX)))
    slow = _milliseconds(service)
    wait_for(lambda: slow > SLOWER * quick, 0.0, f"the query is slower without its index ({quick} ms, now {slow} ms)")
    with closing(
        Crowd(READS_PER_SECOND, lambda: str(service.ask("GET", "/api/portfolios", token=token, address=address).status))
    ) as c:
        wait_for(lambda: c.total > READS_PER_SECOND, STAND_SECONDS, "the dashboard asks")
        yield Stand(
            {"kind": "table", "id": TABLE, "column": "user_id"},
            remedied=lambda: bool(service.rows(_USABLE)),
            known={
                "index": INDEX,
                "milliseconds": {"with": quick, "without": slow},
                "accept": [{"kind": "table", "id": f"public.{TABLE}"}],
            },
            counts=lambda: {"reads": c.total},
        )


def undo_archive(service: Service, _step: Mapping[str, Any]) -> None:
    """Remove the rows that made the table large, and the room that they took: else the next look finds it bloated."""
    with service.connect("superuser", "rolerabbit-fault") as connection:
        with connection.transaction():
            for statement in _SHRINK:
                connection.execute(statement.encode(), [ARCHIVE])

        def rewritten() -> bool:
            connection.execute("VACUUM (FULL, ANALYZE) portfolios")
            size = connection.execute("SELECT pg_relation_size('portfolios')").fetchone()
            return bool(size and size[0] < LARGE)

        # a rewrite keeps the rows that a transaction begun before the deletion could still see
        wait_for(rewritten, SHRUNK_SECONDS, "the table is as small as before")


def undo_index(service: Service, step: Mapping[str, Any]) -> None:
    """The index as it was. One that somebody has made instead takes its name if it is the same, else it goes."""
    wanted = str(step["definition"])
    with service.connect("owner", "rolerabbit-fault") as owner:
        for name in [str(row[0]) for row in service.rows(_ON_OWNER, INDEX)]:
            alike, taken = _like(service, name) == wanted, bool(service.rows(_DEFINITION, INDEX))
            if alike and not taken:
                rename = sql.SQL("ALTER INDEX {} RENAME TO {}")
                owner.execute(rename.format(sql.Identifier("public", name), sql.Identifier(INDEX)))
            elif not alike or name != INDEX:
                owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("public", name)))
        if not service.rows(_DEFINITION, INDEX):
            owner.execute(wanted.encode())


def _like(service: Service, name: str) -> str:
    """The definition of a valid index as if it had the name of the lost one; empty for one that is not valid."""
    found = service.rows(_VALID_DEFINITION, name)
    return str(found[0][0]).replace(f" {name} ON ", f" {INDEX} ON ", 1) if found else ""


def _definition(service: Service) -> str:
    found = service.rows(_DEFINITION, INDEX)
    if not found:
        raise FaultError(f"there is no index {INDEX}: migrate the database first")
    return str(found[0][0])


def _grow(service: Service) -> None:
    with service.connect("superuser", "rolerabbit-fault") as connection:
        with connection.transaction():
            owner = connection.execute(_OWNER, [ARCHIVE]).fetchone()
            connection.execute(_GROW, [owner[0] if owner else None, ROWS])
        connection.execute("ANALYZE portfolios")


def _milliseconds(service: Service) -> float:
    """What the query takes for a user with a few portfolios."""
    user = service.rows("SELECT id FROM users WHERE password_hash = %s ORDER BY email LIMIT 1", SEED_HASH)[0][0]
    plan = service.rows(_PLAN, user)[0][0]
    return float(plan[0]["Execution Time"])

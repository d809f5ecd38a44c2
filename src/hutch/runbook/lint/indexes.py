"""Rules about indexes, definitions and rewrites in Postgres: what locks whom out, what fails halfway (DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.lint.sql import Sql

ALONE = ("create index concurrently", "create unique index concurrently", "drop index concurrently", "vacuum",
         "create database", "drop database", "alter system")  # fmt: skip
"""What Postgres refuses to do in a transaction."""

_REINDEX = re.compile(
    r"^ reindex (?P<options>\([^()]*\) )?(?P<what>table|index|schema|database|system) (?P<how>concurrently )?"
)
_CREATE_INDEX = ("create index", "create unique index")
_BUILDS = ("create index concurrently", "create unique index concurrently")
ONE_BY_ONE = "one psql -c for each statement, without BEGIN and --single-transaction"


def in_transaction(page: Page) -> Iterator[Hit]:
    """``CREATE INDEX CONCURRENTLY`` and its like inside ``BEGIN`` and ``COMMIT``, or with others in one ``psql -c``."""
    session, opened = ("", 0), False
    for said in page.said:
        for sql in said.sql:
            if session != (own := session_of(said, sql)):
                session, opened = own, False
            if sql.starts("begin", "start transaction"):
                opened = True
            elif sql.starts("commit", "rollback", "end", "abort"):
                opened = False
            elif (opened or sql.joined) and (sql.starts(*ALONE) or _is_concurrent(sql)):
                yield Hit(
                    said.line, f"{_head(sql)} fails inside a transaction: run it alone, in autocommit", ONE_BY_ONE
                )


def session_of(said: Said, sql: Sql) -> tuple[str, int]:
    """What statements have in common that run in one session: a SQL block, or one psql."""
    return (said.statement.id, sql.session) if sql.session else (said.step.id, 0)


def _is_concurrent(sql: Sql) -> bool:
    found = _REINDEX.match(sql.flat)
    return bool(found and (found["how"] or "concurrently" in (found["options"] or "")))


def _head(sql: Sql) -> str:
    return next((words for words in ALONE if sql.starts(words)), "reindex concurrently").upper()


def concurrently_if_not_exists(sql: Sql) -> tuple[str, str] | None:
    """The invalid index that a failed build leaves counts as existing."""
    if not sql.starts(*(f"{words} if not exists" for words in _BUILDS)):
        return None
    return (
        "IF NOT EXISTS keeps the INVALID index that a failed build left: look at indisvalid, drop it, build again",
        "DROP INDEX CONCURRENTLY IF EXISTS …; CREATE INDEX CONCURRENTLY …",
    )


def index_holds_up_writes(sql: Sql) -> tuple[str, str] | None:
    """A plain build keeps every write to the table waiting."""
    if sql.starts(*_CREATE_INDEX) and not sql.starts(*_BUILDS):
        return "CREATE INDEX holds up every write to its table until it is done", "CREATE INDEX CONCURRENTLY …"
    if sql.starts("drop index") and not sql.starts("drop index concurrently"):
        return "DROP INDEX waits for every reader and holds up all that come after", "DROP INDEX CONCURRENTLY …"
    return None


def reindex(page: Page) -> Iterator[Hit]:
    """Waiting behind a long reader, it blocks every new one."""
    for said in page.said:
        for sql in said.sql:
            if (found := _REINDEX.match(sql.flat)) and not _is_concurrent(sql):
                yield _held_up(said.line, f"REINDEX {found['what'].upper()}", _concurrent(found["what"]))
        for call in said.calls:
            if call.program == "reindexdb" and not call.has("--concurrently", "--help"):
                yield _held_up(said.line, "reindexdb", "reindexdb --concurrently …")


def _concurrent(what: str) -> str:
    return f"REINDEX {what.upper() if what != 'system' else 'DATABASE'} CONCURRENTLY …"


def _held_up(line: int, what: str, safer: str) -> Hit:
    return Hit(line, f"{what} waits behind a long reader and holds up every new one", safer)


def unchecked_index(page: Page) -> Iterator[Hit]:
    """A concurrent build in a runbook that never looks whether the index became valid: once a step."""
    checked = {s.runbook.id for s in page.said if any(q.has("indisvalid") for q in s.sql)}
    told: set[str] = set()
    for said in page.said:
        if said.runbook.id in checked or said.step.id in told or not any(q.starts(*_BUILDS) for q in said.sql):
            continue
        told.add(said.step.id)
        yield Hit(
            said.line,
            "a concurrent build that fails leaves an INVALID index, and nothing in this runbook looks for it",
            "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid; drop what it shows CONCURRENTLY",
        )


# ------------------------------------------------------------------ definitions and rewrites

_DEFINES = (
    "alter table", "alter type", "alter view", "alter materialized view", "create trigger", "create constraint trigger",
    "create or replace trigger", "drop trigger", "drop table", "drop view", "drop type", "drop column", "truncate",
    "lock table", "alter index",
)  # fmt: skip
_WEAKER = re.compile(
    r" (?:validate constraint|set statistics|set \( (?:autovacuum|fillfactor|toast)\w*|cluster on"
    r"|alter index .* rename to|detach partition .* concurrently) "
)
"""Forms that take a lock under which others read and write on."""


def without_lock_timeout(page: Page) -> Iterator[Hit]:
    """A definition changed without a bound on the wait for its lock: once a session."""
    step, session, bounded, exported = "", ("", 0), False, False
    for said in page.said:
        if said.step.id != step:
            step, exported = said.step.id, False
        exported = exported or (not said.sql and "lock_timeout" in said.statement.text[:1000])
        for sql in said.sql:
            if session != (own := session_of(said, sql)):
                session, bounded = own, exported
            bounded = bounded or sql.bounded or "lock_timeout" in sql.flat
            if sql.starts(*_DEFINES) and not _WEAKER.search(sql.flat) and not bounded:
                bounded = True  # said once
                yield Hit(
                    said.line,
                    "waits for its lock without end, and everything queues behind it: set lock_timeout and try again",
                    "SET lock_timeout = '5s';  before it, in the same session",
                )


_FULL = re.compile(r" vacuum (?:full |\([^()]*\bfull\b)")


def rewrites(page: Page) -> Iterator[Hit]:
    """What rewrites a table locks even readers out."""
    for said in page.said:
        names = [("VACUUM FULL" if _FULL.match(q.flat) else "CLUSTER") for q in said.sql if _is_rewrite(q)]
        names += ["vacuumdb --full" for c in said.calls if c.program == "vacuumdb" and c.has("--full", "-f")]
        names += ["clusterdb" for c in said.calls if c.program == "clusterdb"]
        for name in names:
            yield Hit(
                said.line,
                f"{name} locks the table for readers too until it is rewritten, and needs its size again on the disk",
                "VACUUM (ANALYZE) …",
            )


def _is_rewrite(sql: Sql) -> bool:
    return bool(_FULL.match(sql.flat)) or sql.starts("cluster")

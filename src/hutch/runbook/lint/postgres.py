"""Rules about statements that hurt a Postgres server, or do not do what they seem to (measured: DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from hutch.model.runbook import Runbook
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.lint.sql import Sql

ENDS_SESSIONS = ("pg_terminate_backend (", "pg_cancel_backend (")


def each(judge: Callable[[Sql], tuple[str, str] | None]) -> Callable[[Page], Iterator[Hit]]:
    """A rule that judges every SQL statement for itself: a message and the safer form, or None."""

    def check(page: Page) -> Iterator[Hit]:
        for said in page.said:
            for sql in said.sql:
                if found := judge(sql):
                    yield Hit(said.line, *found)

    return check


# ------------------------------------------------------------------ sessions


def cancel_idle_in_transaction(sql: Sql) -> tuple[str, str] | None:
    """``pg_cancel_backend`` returns true for such a session and frees nothing."""
    if not (sql.has(ENDS_SESSIONS[1]) and "'idle in transaction" in sql.flat):
        return None
    return (
        "pg_cancel_backend frees nothing in a session that is idle in transaction, and returns true: end it",
        "SELECT pg_terminate_backend(pid) …  WHERE state = 'idle in transaction'",
    )


_ONLY_IDLE = re.compile(r" state (?:= 'idle'|in \( 'idle' \)|like 'idle') ")


def idle_sessions(sql: Sql) -> tuple[str, str] | None:
    """Plain idle sessions are what a pool keeps in health; a leak is ``idle in transaction``."""
    if not (sql.has(*ENDS_SESSIONS) and _ONLY_IDLE.search(sql.flat)):
        return None
    return (
        "ends the idle sessions that poolers keep in health, and none of a leak (those are idle in transaction)",
        "WHERE state = 'idle in transaction' AND backend_type = 'client backend'"
        " AND state_change < now() - interval '5 minutes'",
    )


# ------------------------------------------------------------------ indexes and definitions

ALONE = ("create index concurrently", "create unique index concurrently", "drop index concurrently", "vacuum",
         "create database", "drop database", "alter system")  # fmt: skip
"""What Postgres refuses to do in a transaction."""

_REINDEX = re.compile(r"^ reindex (?:\([^()]*\) )?(?P<what>table|index|schema|database|system) (?P<how>concurrently )?")
_CREATE_INDEX = ("create index", "create unique index")
_BUILDS = ("create index concurrently", "create unique index concurrently")


def in_transaction(page: Page) -> Iterator[Hit]:
    """``CREATE INDEX CONCURRENTLY`` and its like inside ``BEGIN`` and ``COMMIT``, or with others in one ``psql -c``."""
    step, opened = "", False
    for said in page.said:
        if said.step.id != step:
            step, opened = said.step.id, False
        for sql in said.sql:
            if sql.starts("begin", "start transaction"):
                opened = True
            elif sql.starts("commit", "rollback", "end", "abort"):
                opened = False
            elif (opened or sql.joined) and (sql.starts(*ALONE) or _concurrent_reindex(sql)):
                yield Hit(
                    said.line,
                    f"{_head(sql)} fails inside a transaction: run it alone, in autocommit",
                    "one psql -c for each statement, without BEGIN and --single-transaction",
                )


def _concurrent_reindex(sql: Sql) -> bool:
    return bool((found := _REINDEX.match(sql.flat)) and found["how"])


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


def reindex(sql: Sql) -> tuple[str, str] | None:
    """Waiting behind a long reader, it blocks every new one."""
    found = _REINDEX.match(sql.flat)
    if not found or found["how"]:
        return None
    what = found["what"].upper()
    return (
        f"REINDEX {what} waits behind a long reader and holds up every new one",
        f"REINDEX {what if what != 'SYSTEM' else 'DATABASE'} CONCURRENTLY …",
    )


def unchecked_index(page: Page) -> Iterator[Hit]:
    """A concurrent build in a runbook that never looks whether the index became valid: once a step."""
    checked = {id(s.runbook) for s in page.said if any(q.has("indisvalid") for q in s.sql)}
    told: set[str] = set()
    for said in page.said:
        if id(said.runbook) in checked or said.step.id in told or not any(q.starts(*_BUILDS) for q in said.sql):
            continue
        told.add(said.step.id)
        yield Hit(
            said.line,
            "a concurrent build that fails leaves an INVALID index, and nothing in this runbook looks for it",
            "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid; drop what it shows CONCURRENTLY",
        )


def without_lock_timeout(page: Page) -> Iterator[Hit]:
    """A definition changed without a bound on the wait for its lock: once a step."""
    step, bounded = "", False
    for said in page.said:
        if said.step.id != step:
            step, bounded = said.step.id, False
        for sql in said.sql:
            bounded = bounded or "lock_timeout" in sql.flat or "lock_timeout" in sql.options.lower()
            if sql.starts("alter table", "create trigger", "drop trigger", "cluster") and not bounded:
                bounded = True  # said once
                yield Hit(
                    said.line,
                    "waits for its lock without end, and everything queues behind it: set lock_timeout and try again",
                    "SET lock_timeout = '5s';  before it",
                )


def vacuum_full(sql: Sql) -> tuple[str, str] | None:
    """It rewrites the table and locks even readers out."""
    if not re.match(r" vacuum (?:full |\([^()]*\bfull\b)", sql.flat):
        return None
    return (
        "VACUUM FULL locks the table for readers too until it is rewritten, and needs its size again on the disk",
        "VACUUM (ANALYZE) …",
    )


# ------------------------------------------------------------------ dumps

ARCHIVES = frozenset({"cat", "zcat", "gzcat", "gunzip", "gzip", "bzcat", "xzcat", "zstdcat", "zstd", "aws"})
"""Programs that feed a dump into psql."""

_DUMP = re.compile(r"dump|backup|restore|\.bak\b|snapshot", re.IGNORECASE)
_SCRATCH = re.compile(r"scratch|temp|tmp|restore|recover|verify|staging|test", re.IGNORECASE)


def dump_over_live(page: Page) -> Iterator[Hit]:
    """A dump played into the running database by psql."""
    made = {said.runbook.id for said in page.said if any(c.program == "createdb" for c in said.calls)}
    for said in page.said:
        for call in said.calls:
            if call.program == "psql" and _plays_dump(call) and not _into_scratch(call, said.runbook, made):
                yield Hit(
                    said.line,
                    "over tables that exist, psql exits 0 after errors and restores nothing: restore into a scratch"
                    " database, then merge the missing rows",
                    "createdb scratch && psql -v ON_ERROR_STOP=1 -d scratch -f dump.sql",
                )


def _plays_dump(call: Call) -> bool:
    fed = call.feeds is not None and call.feeds.program in ARCHIVES
    return bool(call.files) or fed or any(_DUMP.search(f) for f in call.values("-f", "--file"))


def _into_scratch(call: Call, runbook: Runbook, made: set[str]) -> bool:
    named = " ".join((*call.values("-d", "--dbname"), *call.operands()[:1]))
    return "ON_ERROR_STOP" in " ".join(call.args) and (bool(_SCRATCH.search(named)) or runbook.id in made)


def restore_clean(page: Page) -> Iterator[Hit]:
    """``pg_restore --clean`` drops what it is about to restore."""
    for said, call in _restores(page):
        if call.has("--clean", "-c"):
            yield Hit(
                said.line,
                "--clean drops the live tables first, and loses everything newer than the dump",
                "pg_restore -d scratch dump, then merge the missing rows",
            )


def restore_table(page: Page) -> Iterator[Hit]:
    """``pg_restore -t`` brings a table's rows and nothing that belongs to it."""
    for said, call in _restores(page):
        if call.has("--table", "-t"):
            yield Hit(
                said.line,
                "pg_restore -t brings no indexes, keys or serial defaults: restore whole into a scratch database",
                "createdb scratch && pg_restore -d scratch dump",
            )


def _restores(page: Page) -> Iterator[tuple[Said, Call]]:
    return ((said, call) for said in page.said for call in said.calls if call.program == "pg_restore")


# ------------------------------------------------------------------ damage

_DAMAGE = re.compile(r"\bcorrupt", re.IGNORECASE)
_SEES_DAMAGE = ("bt_index_check (", "bt_index_parent_check (", "verify_heapam (")


def corruption(page: Page) -> Iterator[Hit]:
    """A runbook about damaged tables whose detection cannot see damage, and whose steps stop at it."""
    for runbook, said in page.by_runbook():
        if not _DAMAGE.search(runbook.title):
            continue
        if not said or any(c.program == "pg_amcheck" for s in said for c in s.calls):
            continue
        if any(q.has(*_SEES_DAMAGE) for s in said for q in s.sql):
            continue
        yield Hit(
            runbook.line,
            "nothing here sees a damaged page: statistics and sizes look normal on one",
            "pg_amcheck --heapallindexed --database …",
        )
        yield from _stopped(said)


def _stopped(said: Sequence[Said]) -> Iterator[Hit]:
    for one in said:
        if any(c.program in {"pg_dump", "pg_dumpall"} for c in one.calls):
            yield Hit(
                one.line,
                "pg_dump fails at a damaged page: secure the files first",
                "stop the server and copy the data folder, or take a storage snapshot",
            )
        if any(q.starts("reindex database", "reindex system") for q in one.sql):
            yield Hit(
                one.line,
                "REINDEX DATABASE repairs no table, and errors at its damaged page: rebuild what pg_amcheck names",
                "REINDEX INDEX CONCURRENTLY …",
            )

"""Rules about ending Postgres sessions (measured: DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page
from hutch.runbook.lint.sql import Sql

ENDS, CANCELS = "pg_terminate_backend (", "pg_cancel_backend ("

LEAKED = (
    "WHERE state = 'idle in transaction' AND backend_type = 'client backend'"
    " AND state_change < now() - interval '5 minutes'"
)

Judge = Callable[[Sql], tuple[str, str] | None]


def each(judge: Judge) -> Callable[[Page], Iterator[Hit]]:
    """A rule that judges every SQL statement for itself: a message and the safer form, or None."""

    def check(page: Page) -> Iterator[Hit]:
        for said in page.said:
            for sql in said.sql:
                if found := judge(sql):
                    yield Hit(said.line, *found)

    return check


_IDLE = re.compile(r" state (?:= |in \( |(?:i?like|~ \*?) )'[\^%]*idle")


def cancel_idle(sql: Sql) -> tuple[str, str] | None:
    """``pg_cancel_backend`` returns true for an idle session and frees nothing: there is no statement to cancel."""
    if not (sql.has(CANCELS) and _IDLE.search(sql.flat)):
        return None
    return (
        "pg_cancel_backend frees nothing in an idle session, in a transaction or not, and returns true: end it",
        f"SELECT pg_terminate_backend(pid) … {LEAKED}",
    )


_ONLY_IDLE = re.compile(
    r" state (?:= 'idle' |in \( 'idle' \) |(?:like|ilike|~|~ \*) '[\^%]*idle[%$]*' |(?:< >|! =) 'active' )"
)


def idle_sessions(sql: Sql) -> tuple[str, str] | None:
    """Plain idle sessions are what a pool keeps in health; a leak is ``idle in transaction``."""
    if not (sql.has(ENDS) and _ONLY_IDLE.search(sql.flat)):
        return None
    return (
        "ends the idle sessions that poolers keep in health; a leak is idle in transaction",
        LEAKED,
    )


_EVERY = re.compile(r" pg_terminate_backend \( (?:\w+ \. )?pid \)(?: .*?)? from (?:pg_catalog \. )?pg_stat_activity ")
NARROWS = (
    "state", "backend_type", "query", "query_start", "xact_start", "state_change", "usename", "application_name",
    "client_addr", "wait_event", "wait_event_type", "pg_blocking_pids (", "backend_start", "leader_pid", "pid =",
    "pid in",
)  # fmt: skip
"""What tells one session from another."""


def every_session(sql: Sql) -> tuple[str, str] | None:
    """Everybody's sessions: replication, backups and autovacuum too."""
    found = _EVERY.search(sql.flat)
    after = f" {sql.flat[found.end() :]}" if found else ""
    if not found or any(f" {word} " in after for word in NARROWS):
        return None
    return (
        "ends every session, those of replication and backups too: say which",
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND …",
    )


_READ_ONLY = re.compile(r" (?:begin|start transaction|set transaction|set session characteristics) .*?read only ")
_ON = re.compile(r" set (?:session |local )?(?:default_)?transaction_read_only (?:=|to) '?(?:on|true|1)\b")
_ESCAPES = re.compile(
    r" (?P<name>pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_stat_reset\w*|pg_stat_statements_reset"
    r"|pg_notify|pg_switch_wal|pg_advisory_lock|pg_rotate_logfile) \("
)


def read_only_is_no_guard(page: Page) -> Iterator[Hit]:
    """A READ ONLY transaction taken for a guard: it stops writing rows, and nothing else."""
    step, guarded = "", False
    for said in page.said:
        if said.step.id != step:
            step, guarded = said.step.id, False
        for sql in said.sql:
            if _READ_ONLY.match(sql.flat) or _ON.match(sql.flat):
                guarded = True
            elif sql.starts("commit", "rollback", "end", "abort"):
                guarded = False
            elif guarded and (found := _ESCAPES.search(sql.flat)):
                yield Hit(
                    said.line,
                    f"READ ONLY does not stop {found['name']}: a role that may not call it does",
                    "a login with pg_monitor and nothing else",
                )

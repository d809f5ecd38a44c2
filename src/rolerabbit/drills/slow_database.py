"""The faults of a database that answers, and is slow or will be: by a statement, a session, an index, a migration."""

from __future__ import annotations

from typing import Final

from rolerabbit.drills.fault import INNOCENT, Fault

SLOW_DATABASE: Final[tuple[Fault, ...]] = (
    Fault(
        "deadlocks",
        "a job takes the same rows in one order here and in the other there, beside sessions that only queue",
        "postgres.deadlocks",
        "database",
        (),
        (*INNOCENT, "the workers that queue for a row", "the job that has to try again"),
        made_by="circles:deadlocks",
    ),
    Fault(
        "temp-spill",
        "a dashboard sorts more than work_mem holds, again and again, and a report has done so once",
        "postgres.temp_spill",
        "setting",
        (),
        (*INNOCENT, "the report's session"),
        made_by="hunger:small_work_mem",
    ),
    Fault(
        "cache-misses",
        "a feed shows pages at random out of an archive that is larger than the cache",
        "postgres.cache_miss",
        "setting",
        (),
        INNOCENT,
        made_by="hunger:small_cache",
    ),
    Fault(
        "heavy-statement",
        "two dashboards compute the same heavy sum without a pause, beside a job with very many light statements",
        "postgres.cpu_query",
        "session",
        ("postgres.end_sessions",),
        (*INNOCENT, "the job with light statements"),
        made_by="hunger:heavy_statement",
    ),
    Fault(
        "endless-statement",
        "somebody's statement asks something slow for each of far too many rows, and a backup reads for as long",
        "postgres.long_query",
        "session",
        ("postgres.end_sessions",),
        (*INNOCENT, "the backup that reads for as long"),
        "Statement Runs Long",
        made_by="lingering:endless_statement",
    ),
    Fault(
        "forgotten-transaction",
        "somebody read something in a transaction and left it open, beside idle sessions outside of any",
        "postgres.idle_in_transaction",
        "session",
        ("postgres.end_sessions",),
        (*INNOCENT, "the session that is idle outside of any transaction"),
        made_by="lingering:forgotten_transaction",
    ),
    Fault(
        "invalid-index",
        "the making of an index was cut off and left it, beside an index that is being made",
        "postgres.invalid_index",
        "index",
        ("postgres.drop_index",),
        (*INNOCENT, "the session that makes the other index"),
        made_by="halfmade:invalid_index",
    ),
    Fault(
        "pending-migration",
        "a release brought a migration that nobody applied, beside a draft that is none yet",
        "migration.pending",
        "migration",
        ("migrate.up",),
        INNOCENT,
        made_by="migrations:pending_migration",
    ),
)

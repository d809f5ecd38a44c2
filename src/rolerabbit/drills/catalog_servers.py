"""The faults inside the database server and the cache: what they store, remember, receive and refuse."""

from __future__ import annotations

from typing import Final

from rolerabbit.drills.fault import Fault

OF_SERVERS: Final[tuple[Fault, ...]] = (
    Fault(
        "bloated-table",
        "most rows of a table were deleted once, and its file stays large, beside one that is roomy on purpose",
        "postgres.bloat",
        "table",
        alert="postgres.bloat",
        made_by="air:bloated_table",
    ),
    Fault(
        "bloated-index",
        "each page of an index keeps one entry of many, beside a table that is well",
        "postgres.bloat",
        "index",
        ("postgres.reindex",),
        made_by="air:bloated_index",
    ),
    Fault(
        "old-numbers",
        "a table that autovacuum leaves out holds rows a million transactions old, beside one whose rows are frozen",
        "postgres.wraparound",
        "table",
        ("postgres.vacuum",),
        made_by="numbers:old_numbers",
    ),
    Fault(
        "paused-replica",
        "a replica receives everything and replays nothing, beside a copy of the log that never replays",
        "postgres.replication_lag",
        "host",
        spares=("the copy of the log",),
        alert="postgres.replication_lag",
        made_by="replica:paused_replica",
    ),
    Fault(
        "full-disk",
        "the disk for temporary files is full, beside one that is nearly full and stays so; refused but to root",
        "postgres.disk_full",
        "database",
        alert="postgres.disk_full",
        made_by="full_disk:full_disk",
    ),
    Fault(
        "flipped-page",
        "a bit of a stored page has turned, beside a page of zeros that is no damage",
        "postgres.corruption",
        "database",
        alert="postgres.corruption",
        made_by="pages:flipped_page",
    ),
    Fault(
        "changed-password",
        "the password of the login that looks at the database was changed, beside a forgotten role that is refused too",
        "postgres.auth",
        "database",
        alert="postgres.auth",
        made_by="logins:changed_password",
    ),
    Fault(
        "failing-archive",
        "the server's log of changes does not reach its archive any more",
        "postgres.archiver_failing",
        "setting",
        made_by="archive:failing_archive",
    ),
    Fault(
        "cache-too-small",
        "the cache evicts what is looked up again at once",
        "redis.evicting",
        "setting",
        ("redis.set_maxmemory",),
        ("what is kept without an end",),
        made_by="busy_cache:cache_too_small",
    ),
    Fault(
        "slow-cache-command",
        "a long list in the cache is sorted again and again, beside a worker that waits in a blocking command",
        "redis.slow_command",
        "key",
        spares=("the waiting worker",),
        alert="redis.slow_command",
        made_by="busy_cache:slow_command",
    ),
    Fault(
        "too-many-cache-clients",
        "an importer opens connections to the cache until everybody is turned away",
        "redis.clients_exhausted",
        "setting",
        spares=("the waiting worker",),
        alert="redis.clients_exhausted",
        made_by="busy_cache:too_many_cache_clients",
    ),
    Fault(
        "cache-at-work",
        "the cache is full and evicts what nobody asks for again",
        spares=("what is kept without an end",),
        made_by="busy_cache:cache_at_work",
    ),
    Fault(
        "recovered-archive",
        "files failed to reach the archive for a while, and all of them are there by now",
        made_by="archive:recovered_archive",
    ),
)

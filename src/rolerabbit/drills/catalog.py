"""Every fault and no-fault: its names, and the function that makes it."""

from __future__ import annotations

from typing import Final

from rolerabbit.drills.fault import Fault

_INNOCENT: Final = ("the pooler's idle session", "the job with short transactions", "the backup")
_WAITING: Final = (*_INNOCENT, "the sessions that wait")

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        "lock-holder",
        "a session changed rows, or took the whole table, and does nothing while others wait",
        "postgres.blocked_by_lock",
        "session",
        ("postgres.end_sessions",),
        _WAITING,
        made_by="locks:lock_holder",
    ),
    Fault(
        "ddl-queue",
        "a change of a table waits for a session that only read, and every reader waits behind the change",
        "postgres.ddl_queue",
        "session",
        ("postgres.end_sessions",),
        _WAITING,
        made_by="locks:ddl_queue",
    ),
    Fault(
        "advisory-lock",
        "an idle session, not in a transaction, holds an advisory lock that others wait for",
        "postgres.blocked_by_lock",
        "session",
        ("postgres.end_sessions",),
        _WAITING,
        made_by="locks:advisory_lock",
    ),
    Fault(
        "postgres-stopped",
        "the database server is stopped",
        "postgres.unreachable",
        "database",
        ("service.restart",),
        made_by="components:postgres_stopped",
    ),
    Fault(
        "too-many-clients",
        "a report exporter with the service's own role holds every connection that ordinary roles may have",
        "postgres.connections_exhausted",
        "database",
        ("postgres.end_sessions",),
        (*_INNOCENT, "the service's own pool"),
        made_by="connections:too_many_clients",
    ),
    Fault(
        "missing-index",
        "a frequent query lost its index, and its table is large",
        "postgres.missing_index",
        "table",
        ("postgres.create_index",),
        made_by="indexes:missing_index",
    ),
    Fault(
        "half-applied-migration",
        "a migration was cut off and left an index that is not valid",
        "migration.failed",
        "migration",
        ("migrate.up", "postgres.drop_index"),
        made_by="migrations:half_applied_migration",
    ),
    Fault(
        "redis-stopped",
        "the cache is stopped",
        "redis.unreachable",
        "host",
        ("service.restart",),
        made_by="components:redis_stopped",
    ),
    Fault(
        "redis-full",
        "a runaway writer has filled the cache, which refuses every write",
        "redis.memory_full",
        "setting",
        ("redis.set_maxmemory",),
        ("the keys of others",),
        made_by="cache:redis_full",
    ),
    Fault(
        "leak",
        "a new release opens database transactions and never ends them",
        "postgres.connection_leak",
        "role",
        ("deploy.rollback",),
        made_by="releases:leak",
    ),
    Fault(
        "bad-release",
        "a new release reads a column that does not exist",
        "deploy.bad_release",
        "release",
        ("deploy.rollback",),
        made_by="releases:bad_release",
    ),
    Fault(
        "crash-loop",
        "the replicas of a new release end by themselves, again and again",
        "app.crashed",
        "release",
        ("deploy.rollback",),
        made_by="releases:crash_loop",
    ),
    Fault("traffic-peak", "twice the visitors, within capacity", made_by="quiet:traffic_peak"),
    Fault(
        "long-backup",
        "a backup reads every table in one long transaction",
        spares=("the backup",),
        made_by="quiet:long_backup",
    ),
    Fault(
        "planned-deployment",
        "a sound release is rolled out",
        spares=("the new release",),
        made_by="releases:planned_deployment",
    ),
    Fault(
        "big-report",
        "a legitimate report reads for long",
        spares=("the report's session",),
        made_by="quiet:big_report",
    ),
)

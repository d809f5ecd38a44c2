"""Which cause explains which: data, read by :mod:`hutch.diagnosis.rank`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

_ANSWERS = ("http.error_rate", "http.slow", "http.unreachable")
_SLOW = ("http.slow", "http.error_rate")

EXPLAINS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "postgres.connection_leak",
        ("postgres.connections_exhausted", "postgres.idle_in_transaction", "app.overloaded", *_ANSWERS),
    ),
    ("postgres.idle_in_transaction", ("postgres.blocked_by_lock", "postgres.connections_exhausted")),
    ("postgres.connections_exhausted", ("app.overloaded", *_ANSWERS)),
    ("postgres.unreachable", ("app.crashed", "app.overloaded", *_ANSWERS)),
    ("postgres.auth", ("app.crashed", *_ANSWERS)),
    ("postgres.disk_full", ("app.crashed", "postgres.unreachable", *_ANSWERS)),
    ("postgres.ddl_queue", ("postgres.blocked_by_lock", "postgres.connections_exhausted", "app.overloaded", *_ANSWERS)),
    (
        "postgres.blocked_by_lock",
        ("postgres.connections_exhausted", "postgres.long_query", "app.overloaded", *_ANSWERS),
    ),
    ("postgres.cpu_query", ("postgres.long_query", "app.overloaded", "http.slow", "http.error_rate")),
    (
        "postgres.missing_index",
        ("postgres.cpu_query", "postgres.cache_miss", "postgres.long_query", "app.overloaded", *_SLOW),
    ),
    ("postgres.slot_retains_wal", ("postgres.disk_full",)),
    ("postgres.archiver_failing", ("postgres.disk_full",)),
    ("postgres.stale_statistics", _SLOW),
    ("postgres.autovacuum_behind", _SLOW),
    ("postgres.bloat", _SLOW),
    ("postgres.temp_spill", _SLOW),
    ("postgres.cache_miss", _SLOW),
    ("postgres.deadlocks", ("http.error_rate", "http.slow")),
    ("postgres.long_query", ("http.slow",)),
    ("redis.unreachable", ("app.overloaded", *_SLOW)),
    ("redis.memory_full", ("app.overloaded", *_SLOW)),
    ("redis.clients_exhausted", ("app.overloaded", *_SLOW)),
    ("redis.slow_command", ("app.overloaded", *_SLOW)),
    ("migration.failed", ("http.error_rate", "app.crashed", "postgres.invalid_index", "postgres.missing_index")),
    ("deploy.bad_release", _ANSWERS),
    ("app.crashed", _ANSWERS),
    ("app.overloaded", _ANSWERS),
    ("http.dns", ("http.unreachable",)),
    ("http.unreachable", ("http.error_rate", "http.slow")),
)
"""(the deeper cause, what it shows itself as). Chains count: what explains an explanation explains the rest."""

SYMPTOMS = frozenset(_ANSWERS)
"""Codes that say what users feel, not why: they are ranked behind whatever says why."""

RELEASE_SYMPTOMS = frozenset({"http.error_rate", "http.unreachable"})
"""With a deployment just before, and nothing deeper found, these are the release's doing: ``deploy.bad_release``."""

RELEASE_CAUSES = frozenset({"postgres.connection_leak", "postgres.connections_exhausted"})
"""Causes that a release brings about and that going back to the one before ends."""


ENDS = frozenset({"postgres.disk_full"})
"""What others lead to in the end: it explains what it explains once it is there. A slot that keeps the log fills the
disk some day; until then no answer fails for it."""


def closure(
    pairs: Iterable[tuple[str, tuple[str, ...]]] = EXPLAINS, present: Collection[str] | None = None
) -> Mapping[str, frozenset[str]]:
    """Everything that each code explains, directly or through others; where it is known which codes are ``present``,
    not through one of :data:`ENDS` that is not."""
    absent = ENDS - set(present) if present is not None else frozenset()
    direct = {deep: frozenset(shown) for deep, shown in pairs if deep not in absent}
    return {deep: _reach(deep, direct) - {deep} for deep in direct}


def _reach(code: str, direct: Mapping[str, frozenset[str]]) -> frozenset[str]:
    seen: set[str] = set()
    ahead = [code]
    while ahead:
        fresh = direct.get(ahead.pop(), frozenset()) - seen
        seen |= fresh
        ahead.extend(fresh)
    return frozenset(seen)

"""From where on a database's upkeep, storage and replication is trouble: settings with unit and default, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from hutch.ports import Setting

THRESHOLDS = (
    Setting("slow_look_every", "float", "seconds between looks at what changes slowly and is well", default=10.0),
    Setting("interval_longest", "float", "seconds after which an earlier look is too old", default=600.0),
    Setting(
        "overdue_after", "float", "seconds that autovacuum gets for a table that is due", default=300.0
    ),
    Setting("overdue_factor", "float", "times autovacuum's own threshold that make a table overdue", default=2.0),
    Setting("upkeep_rows", "int", "dead or changed rows that make a table's upkeep matter", default=10_000),
    Setting("bloat_share", "float", "% of a table or index that must be air to call it bloated", default=50.0),
    Setting("bloat_size", "float", "megabytes of air that a bloated table or index must have", default=100.0),
    Setting("bloat_exact", "bool", "measure what is suspected by pgstattuple, which reads it whole", default=False),
    Setting(
        "wraparound_used", "float", "% of the 2 billion transaction numbers used up since the last freeze", default=40.0
    ),
    Setting("sequence_used", "float", "% of a sequence's range, or its column's, that deserves room", default=80.0),
    Setting("unused_index_size", "float", "megabytes from which on an index that is never used is told", default=10.0),
    Setting("unused_index_days", "float", "days of counting before an index is called unused", default=7.0),
    Setting("lag_seconds", "float", "seconds that a standby may be behind", default=30.0),
    Setting("lag_size", "float", "megabytes of WAL that a standby may be behind", default=64.0),
    Setting("slot_size", "float", "megabytes of WAL that a slot without a reader may hold", default=1024.0),
    Setting("disk_capacity", "float", "gigabytes of the server's disk; the server can't say", default=None),
    Setting("disk_bad", "float", "% of disk_capacity that is trouble", default=90.0),
    Setting("checksum_failure_hours", "float", "hours for which a checksum failure is told", default=168.0),
    Setting("deadlocks_per_minute", "float", "deadlocks a minute that are trouble", default=1.0),
    Setting("temp_rate", "float", "megabytes a second of temporary files that are trouble", default=8.0),
    Setting("cache_hit", "float", "% of the pages that should be found in shared_buffers", default=90.0),
    Setting("cache_reads", "float", "megabytes a second read past the cache that are trouble", default=20.0),
    Setting("cpu_load", "float", "% of one processor that one heavy statement, run again and again, may take",
            default=80.0),
    Setting("cpu_after", "float", "seconds that one execution must have run to be heavy", default=0.2),
    Setting("lost_sessions_per_minute", "float", "abandoned, failed or killed sessions a minute that are told",
            default=5.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The settings as the checks use them, in the units of :data:`THRESHOLDS`; ``disk_capacity`` 0: not known."""

    slow_look_every: float
    interval_longest: float
    overdue_after: float
    overdue_factor: float
    upkeep_rows: float
    bloat_share: float
    bloat_size: float
    bloat_exact: bool
    wraparound_used: float
    sequence_used: float
    unused_index_size: float
    unused_index_days: float
    lag_seconds: float
    lag_size: float
    slot_size: float
    disk_capacity: float
    disk_bad: float
    checksum_failure_hours: float
    deadlocks_per_minute: float
    temp_rate: float
    cache_hit: float
    cache_reads: float
    cpu_load: float
    cpu_after: float
    lost_sessions_per_minute: float


def thresholds_from(settings: Mapping[str, object]) -> Thresholds:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    given = {setting.name: settings.get(setting.name, setting.default) for setting in THRESHOLDS}
    values = {field.name: _value(field.name, given[field.name]) for field in fields(Thresholds)}
    return Thresholds(**values)  # type: ignore[arg-type]


def _value(name: str, value: object) -> float | bool:
    if name == "bloat_exact":
        if not isinstance(value, bool):
            raise ValueError(f"postgres: {name} must be true or false, not {value!r}")
        return value
    if name == "disk_capacity" and value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"postgres: {name} must be a number above 0, not {value!r}")
    return float(value)

"""The settings of a Postgres target, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.pattern import like
from hutch.model.setting import above_zero
from hutch.ports import Setting
from hutch.providers.postgres.thresholds import THRESHOLDS, Thresholds, thresholds_from

BACKUP_AND_MIGRATION_PROGRAMS = (
    "pg_dump*", "pg_restore*", "pg_basebackup*", "pg_receivewal*", "pgbackrest*", "barman*", "wal-g*", "walg*",
    "*backup*", "*migrat*", "alembic*", "dbmate*", "flyway*", "liquibase*", "prisma*", "pg_repack*", "hutch*",
)  # fmt: skip
"""What these programs call themselves as ``application_name``, ``*`` for any text. Ending them halfway does harm."""

POOLERS = ("pgbouncer*", "odyssey*", "pgcat*", "pgpool*", "supavisor*")
"""What poolers call themselves: they keep idle sessions on purpose."""

SETTINGS = (
    Setting("url", "secret", "address of the database for reading; a login with pg_monitor is enough", required=True),
    Setting(
        "operator_url",
        "secret",
        "address for changes, a login with pg_signal_backend; without it every change is refused",
    ),
    Setting(
        "owner_url",
        "secret",
        "address for making and dropping indexes, a login that is a member of the tables' owner; else operator_url is "
        "used where it is one",
    ),
    Setting("protected_roles", "list", "database roles whose sessions are never ended", default=()),
    Setting(
        "protected_applications",
        "list",
        "application names (* for any text) whose sessions are never ended and never blamed",
        default=BACKUP_AND_MIGRATION_PROGRAMS,
    ),
    Setting("connect_timeout", "float", "seconds to wait for a connection", default=3.0),
    Setting("statement_timeout", "float", "seconds that one reading statement may take", default=5.0),
    Setting("lock_timeout", "float", "seconds that a statement, also a change, waits for a lock", default=2.0),
    Setting("sample_gap", "float", "seconds between the two looks of one check", default=1.0),
    Setting("used_warn", "float", "% of the connections usable by ordinary roles that deserves a look", default=80.0),
    Setting("used_bad", "float", "% of the connections usable by ordinary roles that is trouble", default=95.0),
    Setting("leak_sessions", "int", "idle transactions of one role and application that make a leak", default=5),
    Setting(
        "idle_in_transaction_after", "float", "seconds without a statement that make a transaction idle", default=1.0
    ),
    Setting("old_transaction_after", "float", "seconds after which one idle transaction is trouble", default=30.0),
    Setting(
        "lock_wait_after", "float", "seconds that a session must have waited for its blocker to count", default=1.0
    ),
    Setting("long_query_after", "float", "seconds after which a running statement is long", default=300.0),
    Setting(
        "pool_applications",
        "list",
        "application names (* for any text) of poolers and of the service's own pools, whose idle sessions stay",
        default=POOLERS,
    ),
    Setting(
        "idle_session_after",
        "float",
        "seconds outside a transaction and without a statement after which a session may be ended on a full server",
        default=3.0,
    ),
    Setting(
        "pool_used_within",
        "float",
        "seconds within which one used session shows that its program works with a pool, all of which then stays",
        default=60.0,
    ),
    Setting(
        "hoard_share",
        "float",
        "% of the usable connections that one program's idle sessions must hold to be ended on a full server",
        default=20.0,
    ),
    Setting(
        "slow_statement_after", "float", "milliseconds that a statement must take on average to be slow", default=10.0
    ),
    Setting(
        "statement_load",
        "float",
        "% of one processor's time that a statement must take to be looked into for a missing index",
        default=10.0,
    ),
    Setting("index_rows", "int", "rows that a table must have before an index is worth it", default=10_000),
    Setting(
        "index_discard", "float", "% of the rows read that a filter must throw away before an index helps", default=90.0
    ),
    Setting("index_timeout", "float", "seconds that making an index may take", default=1800.0),
    Setting("index_lock_timeout", "float", "seconds that making an index waits for each older session", default=10.0),
    Setting("upkeep_timeout", "float", "seconds that a vacuum, an analyze or a validation may take", default=1800.0),
    Setting("max_sessions", "int", "how many sessions one action may end", default=50),
    *THRESHOLDS,
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them: seconds and percentages as floats. The addresses never show in a repr."""

    url: str = field(repr=False)
    operator_url: str = field(repr=False)
    owner_url: str = field(repr=False)
    protected_roles: tuple[str, ...]
    protected_applications: tuple[str, ...]
    connect_timeout: float
    statement_timeout: float
    lock_timeout: float
    sample_gap: float
    used_warn: float
    used_bad: float
    leak_sessions: int
    idle_in_transaction_after: float
    old_transaction_after: float
    lock_wait_after: float
    long_query_after: float
    pool_applications: tuple[str, ...]
    idle_session_after: float
    pool_used_within: float
    hoard_share: float
    slow_statement_after: float
    statement_load: float
    index_rows: int
    index_discard: float
    index_timeout: float
    index_lock_timeout: float
    upkeep_timeout: float
    max_sessions: int
    care: Thresholds

    def protection(self) -> dict[str, object]:
        """The parameters of every query that judges who is protected; patterns in SQL's LIKE form."""
        return {
            "protected_roles": list(self.protected_roles),
            "protected_applications": [like(pattern.lower()) for pattern in self.protected_applications],
        }


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    return Config(
        url=_text(values, "url"),
        operator_url=_text(values, "operator_url", optional=True),
        owner_url=_text(values, "owner_url", optional=True),
        protected_roles=_names(values, "protected_roles"),
        protected_applications=_names(values, "protected_applications"),
        leak_sessions=int(above_zero("postgres", values, "leak_sessions")),
        max_sessions=int(above_zero("postgres", values, "max_sessions")),
        connect_timeout=above_zero("postgres", values, "connect_timeout"),
        statement_timeout=above_zero("postgres", values, "statement_timeout"),
        lock_timeout=above_zero("postgres", values, "lock_timeout"),
        sample_gap=above_zero("postgres", values, "sample_gap"),
        used_warn=above_zero("postgres", values, "used_warn"),
        used_bad=above_zero("postgres", values, "used_bad"),
        idle_in_transaction_after=above_zero("postgres", values, "idle_in_transaction_after"),
        old_transaction_after=above_zero("postgres", values, "old_transaction_after"),
        lock_wait_after=above_zero("postgres", values, "lock_wait_after"),
        long_query_after=above_zero("postgres", values, "long_query_after"),
        pool_applications=_names(values, "pool_applications"),
        idle_session_after=above_zero("postgres", values, "idle_session_after"),
        pool_used_within=above_zero("postgres", values, "pool_used_within"),
        hoard_share=above_zero("postgres", values, "hoard_share"),
        slow_statement_after=above_zero("postgres", values, "slow_statement_after"),
        statement_load=above_zero("postgres", values, "statement_load"),
        index_rows=int(above_zero("postgres", values, "index_rows")),
        index_discard=above_zero("postgres", values, "index_discard"),
        index_timeout=above_zero("postgres", values, "index_timeout"),
        index_lock_timeout=above_zero("postgres", values, "index_lock_timeout"),
        care=thresholds_from(values),
        upkeep_timeout=above_zero("postgres", values, "upkeep_timeout"),
    )


def _text(values: Mapping[str, object], name: str, optional: bool = False) -> str:
    value = values[name]
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise ValueError(f"postgres: {name} must be a database address such as postgresql://user@host:5432/name")
    return value


def _names(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values[name]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"postgres: {name} must be a list of names, not {value!r}")
    return tuple(str(item) for item in value)

"""The settings of a database's migrations, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.setting import above_zero, filled_text
from hutch.ports import Setting

TOOLS = {
    "sql": "schema_migrations",
    "rails": "schema_migrations",
    "alembic": "alembic_version",
    "prisma": "_prisma_migrations",
    "command": "",
}
"""The tools whose files and tables are known, with the table that each keeps."""
DEVELOPMENT = "development"

RUNNERS = ("*migrat*", "alembic*", "dbmate*", "flyway*", "liquibase*", "prisma*", "rolerabbit-db")
"""What migration tools call themselves as ``application_name``, ``*`` for any text."""

SETTINGS = (
    Setting("url", "secret", "address of the database for reading; SELECT on the table, and pg_monitor", required=True),
    Setting("owner_url", "secret", "address that the command gets, of the login that owns the schema"),
    Setting(
        "tool", "text", "sql (dbmate, goose, Flyway, golang-migrate), rails, alembic, prisma, command", default="sql"
    ),
    Setting("table", "text", "the tool's table of versions (schema.name works too); none: as the tool calls it"),
    Setting("folder", "list", "folders of the migrations, absolute or from where Hutch runs; none: not looked at"),
    Setting(
        "command", "list", "command line that applies what is due, without a shell; none: Hutch runs SQL files itself"
    ),
    Setting("down_command", "list", "command line that takes back; {version} {to} {steps} are filled in"),
    Setting("mark_command", "list", "command line that marks {version} as applied; none: Hutch writes the row"),
    Setting("status_command", "list", "command line that tells where versions stand; for the tool `command`"),
    Setting("sql_command", "list", "command line that prints the SQL from {from} to {to} and runs none of it"),
    Setting("down_sql_command", "list", "the same for the way down, where the tool has another command for it"),
    Setting("reset_command", "list", "command line that empties the database; refused outside development"),
    Setting("seed_command", "list", "command line that fills it with made-up data; refused outside development"),
    Setting(
        "environment",
        "text",
        "what this database is for; reset is refused unless it is development",
        default="production",
    ),
    Setting("directory", "text", "folder in which the command lines run", default="."),
    Setting("tries", "int", "how often a migration is tried that waits too long for a lock", default=3),
    Setting("command_env", "text", "environment variable by which the command gets owner_url", default="DATABASE_URL"),
    Setting("command_timeout", "float", "seconds after which the command is ended", default=600.0),
    Setting("env", "map", "further environment variables of the command; no secrets"),
    Setting("pass_env", "list", "names of Hutch's own environment variables that the command gets", default=()),
    Setting("lock_key", "int", "key of the advisory lock that the tool holds while it runs; none: not looked at"),
    Setting("runners", "list", "application names (* for any text) of migration tools", default=RUNNERS),
    Setting("harmless", "list", "versions that drop only what older releases did not use: roll-backs pass them"),
    Setting("pending_is_cause", "bool", "whether a migration that is due is a cause, and not only told", default=False),
    Setting("sample_gap", "float", "seconds between two looks at a half-applied migration", default=1.0),
    Setting("connect_timeout", "float", "seconds to wait for a connection", default=3.0),
    Setting("statement_timeout", "float", "seconds that one statement may take", default=5.0),
    Setting("lock_timeout", "float", "seconds that a statement waits for a lock", default=2.0),
)


COMMANDS = (
    "command", "down_command", "mark_command", "status_command", "sql_command",
    "down_sql_command", "reset_command", "seed_command",
)  # fmt: skip
"""The settings that are command lines."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them; times in seconds. The addresses never show in a repr."""

    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    tool: str
    table: str
    folder: tuple[str, ...]
    command: tuple[str, ...]
    down_command: tuple[str, ...]
    mark_command: tuple[str, ...]
    status_command: tuple[str, ...]
    sql_command: tuple[str, ...]
    down_sql_command: tuple[str, ...]
    reset_command: tuple[str, ...]
    seed_command: tuple[str, ...]
    environment: str
    directory: str
    tries: int
    command_env: str
    command_timeout: float
    env: Mapping[str, str]
    pass_env: tuple[str, ...]
    lock_key: int | None
    runners: tuple[str, ...]
    harmless: tuple[str, ...]
    pending_is_cause: bool
    sample_gap: float
    connect_timeout: float
    statement_timeout: float
    lock_timeout: float


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    return Config(
        url=_address(values, "url"),
        owner_url=_address(values, "owner_url", optional=True),
        tool=_tool(values),
        table=filled_text("migrations", {"table": TOOLS[_tool(values)] or "-", **_given(values, "table")}, "table"),
        folder=_list(values, "folder"),
        **{name: _list(values, name) for name in COMMANDS},
        environment=filled_text("migrations", values, "environment"),
        directory=filled_text("migrations", values, "directory"),
        tries=_tries(values),
        command_env=_variable(values, "command_env"),
        command_timeout=above_zero("migrations", values, "command_timeout"),
        env=_environment(values, "env"),
        pass_env=_list(values, "pass_env"),
        lock_key=_key(values, "lock_key"),
        runners=_list(values, "runners"),
        harmless=_list(values, "harmless"),
        pending_is_cause=bool(values["pending_is_cause"]),
        sample_gap=above_zero("migrations", values, "sample_gap"),
        connect_timeout=above_zero("migrations", values, "connect_timeout"),
        statement_timeout=above_zero("migrations", values, "statement_timeout"),
        lock_timeout=above_zero("migrations", values, "lock_timeout"),
    )


def _address(values: Mapping[str, object], name: str, optional: bool = False) -> str:
    value = values[name]
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise ValueError(f"migrations: {name} must be a database address such as postgresql://user@host:5432/name")
    return value


def _given(values: Mapping[str, object], name: str) -> dict[str, object]:
    return {} if values[name] is None else {name: values[name]}


def _tool(values: Mapping[str, object]) -> str:
    tool = filled_text("migrations", values, "tool")
    if tool not in TOOLS:
        raise ValueError(f"migrations: tool must be one of {', '.join(TOOLS)}, not {tool!r}")
    if tool == "command" and not values["status_command"]:
        raise ValueError("migrations: tool command needs status_command, which tells where each version stands")
    return tool


def _tries(values: Mapping[str, object]) -> int:
    value = values["tries"]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 20:
        raise ValueError(f"migrations: tries must be a whole number from 1 to 20, not {value!r}")
    return value


def _variable(values: Mapping[str, object], name: str) -> str:
    value = filled_text("migrations", values, name)
    if not value.isidentifier():
        raise ValueError(f"migrations: {name} must be the name of an environment variable, not {value!r}")
    return value


def _key(values: Mapping[str, object], name: str) -> int | None:
    value = values[name]
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"migrations: {name} must be a whole number, not {value!r}")
    return value


def _list(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = [] if values[name] is None else values[name]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"migrations: {name} must be a list of texts, not {value!r}")
    return tuple(str(item) for item in value)


def _environment(values: Mapping[str, object], name: str) -> dict[str, str]:
    value = values[name] or {}
    if not isinstance(value, Mapping) or not all(isinstance(item, str | int) for item in value.values()):
        raise ValueError(f"migrations: {name} must map names of environment variables to texts")
    return {str(key): str(item) for key, item in value.items()}

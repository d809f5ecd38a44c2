"""Copies of the security tables, for evidence: rows as they are, a line of JSON each. Nothing is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from psycopg import sql

from hutch.model.action import Command, Outcome, Result
from hutch.providers.audit.arguments import BadArguments, text, whole
from hutch.providers.audit.client import AuditError, Client
from hutch.providers.audit.config import Config
from hutch.providers.audit.queries import text as query_text

SOURCES = ("security", "audit", "sessions", "blocks", "restrictions")
LONGEST = 3650
"""Days back."""

MOST_ROWS = 300_000
"""Rows of one table; more are refused, since a part that looks like the whole is no evidence."""


def exports(client: Client, config: Config) -> Mapping[str, Callable[[Command], Awaitable[Outcome]]]:
    """``evidence.export``. ``args``: ``table`` (security, audit, sessions, blocks, restrictions), ``days``."""
    return {"evidence.export": partial(_export, client, config)}


async def _export(client: Client, config: Config, command: Command) -> Outcome:
    try:
        name, days = text(command.args, "table"), whole(command.args, "days", 30, LONGEST)
        if name not in SOURCES:
            raise BadArguments(f"table must be one of {', '.join(SOURCES)}, not {name!r}")
        rows = await copied(client, config, name, days)
    except (AuditError, BadArguments) as error:
        return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, AuditError) and error.recoverable)
    return Outcome(Result.DONE, f"{len(rows)} rows of {config.tables[name]}", "".join(rows), hits=len(rows))


async def copied(client: Client, config: Config, name: str, days: int) -> list[str]:
    """The rows of one of :data:`SOURCES`, a line of JSON each. Raises :class:`AuditError`, and :class:`BadArguments`
    where they are too many."""
    rows = await client.rows(_statement(config, name), {"days": days, "most": MOST_ROWS + 1})
    if len(rows) > MOST_ROWS:
        raise BadArguments(
            f"{config.tables[name]} has more than {MOST_ROWS} rows of the last {days} days: take fewer days"
        )
    return [f"{row['row']}\n" for row in rows]


def _statement(config: Config, name: str) -> sql.Composed:
    source = sql.Identifier(*config.tables[name].split("."))
    return sql.SQL(query_text("evidence")).format(source=source, at=sql.Identifier(config.columns["at"]))

"""How the server would run a statement: its generic plan, which runs nothing."""

from __future__ import annotations

import re
from typing import Any

from psycopg.rows import tuple_row

from hutch.providers.postgres.client import Client, Session
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.plans import Plan

_NAME = "hutch_explained"
_PARAMETER = re.compile(r"\$(\d+)")
_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.S)
_EXPLAINED = ("select", "with", "update", "delete", "table", "values")


def explainable(text: str) -> bool:
    """Whether the statement reads rows in a way that a plan can tell of."""
    return _COMMENTS.sub("", text)[:6].lower().rstrip().startswith(_EXPLAINED)


async def plan_of(client: Client, text: str) -> Plan:
    """The plan for any values of the parameters. :class:`PostgresError`: a text cut short, a right that is missing.

    The text comes from the server's own records and is one statement only by the extended protocol; PREPARE takes
    nothing but a query, and EXPLAIN without ANALYZE runs none. READ ONLY and the time limits hold as for all reads.
    """
    if not explainable(text):
        raise PostgresError(Kind.SQL, "this kind of statement has no plan of its own")
    return await client.look(lambda session: _explained(session, text))


async def _explained(session: Session, text: str) -> Plan:
    count = max((int(number) for number in _PARAMETER.findall(text)), default=0)
    values = f"({', '.join(['null'] * count)})" if count else ""
    cursor: Any = session.cursor(row_factory=tuple_row)
    await cursor.execute("select set_config('plan_cache_mode', 'force_generic_plan', true)", prepare=True)
    await cursor.execute("select 1 from pg_prepared_statements where name = %s", [_NAME], prepare=True)
    if await cursor.fetchone():  # an earlier text that failed left it
        await cursor.execute(f"deallocate {_NAME}".encode(), binary=True)
    await cursor.execute(f"prepare {_NAME} as {text}".encode(), binary=True)
    await cursor.execute(f"explain (verbose, format json) execute {_NAME}{values}".encode(), binary=True)
    [[found]] = await cursor.fetchall()
    await cursor.execute(f"deallocate {_NAME}".encode(), binary=True)
    plan: Plan = found[0]["Plan"]
    return plan

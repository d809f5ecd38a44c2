"""Looks at a restored database with amcheck, where the server has it: every B-tree index, every table."""

from __future__ import annotations

import psycopg
from psycopg import sql

from hutch.providers.backup.queries import query
from hutch.providers.backup.server import Session, one

SHOWN = 10
"""Problems that are named; the others are counted by whoever looks again."""


async def checked(session: Session) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was looked at, and what was found. Where amcheck is not there, the first says so."""
    try:
        await session.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    except psycopg.Error as error:
        return (f"amcheck is not there: {' '.join(str(error).split())}",), ()
    problems: list[str] = []
    rows = await (await session.execute(query("amcheck_objects"))).fetchall()
    for row in rows:
        statement = query(f"amcheck_{row['kind']}", oid=sql.Literal(int(row["oid"])))
        try:
            found = await (await session.execute(statement)).fetchall()
        except psycopg.errors.InsufficientPrivilege as error:
            return (f"amcheck may not be used: {' '.join(str(error).split())}",), ()
        except psycopg.DatabaseError as error:
            if session.closed:
                raise
            problems.append(f"{row['name']}: {' '.join(str(error).split())}")
        else:
            problems += [f"{row['name']}: {r['msg']}" for r in found if r["msg"]]
    counts = {kind: sum(1 for r in rows if r["kind"] == kind) for kind in ("index", "table")}
    told = f"amcheck looked at {counts['index']} indexes and {counts['table']} tables"
    return (told,), tuple(problems[:SHOWN])


async def indexes_valid(session: Session) -> tuple[str, ...]:
    """Indexes and constraints of the restored database that are not valid there."""
    row = await one(session, query("invalid"))
    return tuple(str(name) for name in row["names"] or ())

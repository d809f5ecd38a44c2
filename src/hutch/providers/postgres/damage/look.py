"""``damage.list``: every page of every table and B-tree index, each index against its table, as pg_amcheck does.

It takes no lock that holds up anybody, reads everything, and takes its time; a person asks for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from hutch.model.action import Command, Outcome, Result
from hutch.ports import said
from hutch.providers.postgres.damage.config import DamageConfig
from hutch.providers.postgres.damage.report import Object_, Report, Seen, report
from hutch.providers.postgres.damage.session import Row, Session, is_damage, is_loss, one_line, opened, rows
from hutch.providers.postgres.errors import Kind, PostgresError

NOT_THERE = (
    "amcheck is not installed in this database: let its owner `CREATE EXTENSION amcheck` (it adds functions and "
    "touches no data), and grant execute on verify_heapam and bt_index_check to this login"
)


@dataclass(frozen=True, slots=True)
class Amcheck:
    """Looks at one database."""

    config: DamageConfig
    target: str

    async def run(self, command: Command) -> Outcome:
        """``args``: ``table`` and ``schema`` for one alone. Exit code 3 where something is damaged."""
        started = time.monotonic()
        try:
            async with opened(self.config) as session:
                found = await _looked(session, command.args, self.target)
        except PostgresError as error:
            spent = time.monotonic() - started
            return Outcome(Result.FAILED, str(error), seconds=spent, recoverable=error.recoverable)
        output = json.dumps(found.as_dict(), ensure_ascii=False)
        code = 3 if found.damaged else 0
        return Outcome(Result.DONE, found.summary, output, code, time.monotonic() - started, hits=len(found.damaged))


async def _looked(session: Session, args: Mapping[str, object], target: str) -> Report:
    [server] = await rows(session, "damage_server")
    if server["amcheck"] is None:
        raise _lacking(NOT_THERE)
    path = sql.SQL("set search_path = {}").format(sql.Identifier(server["amcheck"]))
    await session.execute(path)
    wanted = {"table": args.get("table") or None, "schema": str(args.get("schema") or "public")}
    objects = await rows(session, "damage_objects", wanted)
    if not objects and wanted["table"]:
        raise _lacking(f"there is no table {wanted['schema']}.{wanted['table']}")
    seen = [await _object(session, row) for row in objects]
    return report(target, seen, checksums=server["checksums"], failures=server["failures"])


async def _object(session: Session, row: Row) -> Seen:
    """What is wrong with one table or index."""
    what = Object_(row["kind"], row["schema"], row["name"], row["table_schema"], row["table_name"])
    said(f"{what}\n")
    try:
        found = await rows(session, f"damage_{row['kind']}", {"oid": row["oid"]})
    except psycopg.Error as error:
        if is_loss(error, session):
            raise
        if not is_damage(error):
            return Seen(what, unchecked=one_line(error))
        alone = await _alone(session, row) if row["kind"] == "index" else ""
        return Seen(what, (one_line(error),), sound_alone=row["kind"] == "index" and not alone)
    if row["kind"] == "index":
        return Seen(what)
    return Seen(what, tuple(_message(one) for one in found), blocks=_blocks(found))


async def _alone(session: Session, row: Row) -> str:
    """What is wrong with the index by itself: where its table can't be read, that says nothing of the index."""
    try:
        await rows(session, "damage_index_alone", {"oid": row["oid"]})
    except psycopg.Error as error:
        if is_loss(error, session):
            raise
        return one_line(error)
    return ""


def _blocks(found: list[Row]) -> tuple[int, ...]:
    return tuple(sorted({row["block"] for row in found if row["block"] is not None}))


def _message(row: Row) -> str:
    place = f"page {row['block']}" + (f", row {row['row']}" if row["row"] is not None else "")
    return f"{place}: {row['message']}"


def _lacking(text: str) -> PostgresError:
    return PostgresError(Kind.SQL, text)

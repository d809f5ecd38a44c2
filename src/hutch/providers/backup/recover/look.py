"""Reads what there is to know of tables, in the live database and in the scratch one."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.providers.backup.recover.facts import Name, Reference, Table, reference_from, table_from
from hutch.providers.backup.recover.queries import text
from hutch.providers.backup.recover.sessions import Session, rows


async def tables(session: Session, names: Sequence[Name]) -> dict[Name, Table]:
    """The tables of these names that there are."""
    found = await rows(session, text("tables"), [[n.schema for n in names], [n.table for n in names]])
    return {table.name: table for table in map(table_from, found)}


async def all_names(session: Session) -> list[Name]:
    """Every table that holds rows of users."""
    return [Name(row["schema"], row["name"]) for row in await rows(session, text("names"))]


async def references(session: Session) -> list[Reference]:
    """Every foreign key."""
    return [reference_from(row) for row in await rows(session, text("references"))]

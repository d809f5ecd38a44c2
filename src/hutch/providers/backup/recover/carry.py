"""What of a table's rows can be carried from the backup into the table as it is now. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.providers.backup.recover.facts import Column, Name, Table


@dataclass(frozen=True, slots=True)
class Carried:
    """The columns that go over by name, and what was done to the table since the backup, in words.

    ``refused`` is why no row of it can come back at all; empty when rows can.
    """

    table: Name
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    refused: str = ""


def carried(live: Table, old: Table | None) -> Carried:
    """Compare the table with what the backup holds of it.

    A column that was dropped is left behind and said; one that was added gets its default, or NULL; one of another type
    goes over as text, so the server decides whether its values fit.
    """
    if old is None:
        return Carried(live.name, (), refused="the backup does not hold this table: it is older than the table")
    both = tuple(c.name for c in live.columns if not c.generated and old.column(c.name))
    return Carried(live.name, both, tuple(_notes(live, old)), _refusal(live, old))


def _notes(live: Table, old: Table) -> list[str]:
    gone = [c.name for c in old.columns if live.column(c.name) is None]
    new = [c for c in live.columns if old.column(c.name) is None and not c.generated]
    notes = [f"column {name} was dropped since the backup: its values stay behind" for name in gone]
    notes += [f"column {c.name} was added since the backup: {_filled(c)}" for c in new]
    for column in live.columns:
        before = old.column(column.name)
        if before and before.type != column.type and not column.generated:
            notes.append(f"column {column.name} was {before.type} in the backup and is {column.type}: values are cast")
    return notes


def _filled(column: Column) -> str:
    return "rows that come back get its default" if column.default else "it is NULL in rows that come back"


def _refusal(live: Table, old: Table) -> str:
    if not live.key:
        return "it has no primary key and no unique key without NULL: which rows are missing can't be told"
    for name in live.key:
        if old.column(name) is None:
            return f"the backup's table has no column {name}, which is part of the key now"
    for column in live.columns:
        lacking = column.not_null and not column.default and not column.generated
        if lacking and old.column(column.name) is None:
            return f"column {column.name}, added since the backup, is NOT NULL and has no default"
    return ""

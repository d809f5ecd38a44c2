"""What recovery must know of tables: columns, keys, references, triggers, sequences. Values alone; nothing connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Row = Mapping[str, Any]

CASCADE, EMPTIED = "c", ("n", "d")
"""``pg_constraint.confdeltype``: what deleting a parent does to its children: deleted too; reference emptied (SET NULL,
SET DEFAULT)."""


class Name(NamedTuple):
    """A table's schema and name, as the catalogue has them: any text."""

    schema: str
    table: str

    def __str__(self) -> str:
        """As people read it: ``portfolios``, ``shop.orders``."""
        return self.table if self.schema == "public" else f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``type`` as ``format_type`` writes it, with its length and schema."""

    name: str
    type: str
    not_null: bool = False
    default: bool = False
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique index beside the key: its expressions, their types and the condition of a partial one, as SQL."""

    name: str
    expressions: tuple[str, ...]
    types: tuple[str, ...]
    condition: str = ""
    nulls_equal: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A user's trigger that fires on INSERT; ``enabled`` as ``pg_trigger.tgenabled``: O (origin) or A (always)."""

    name: str
    calls: str
    enabled: str


@dataclass(frozen=True, slots=True)
class Sequence_:
    """A sequence that a column takes its values from."""

    name: Name
    column: str
    step: int


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``key`` is its primary key, else the columns of a unique index that holds no NULL; may be empty."""

    name: Name
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    sequences: tuple[Sequence_, ...] = ()
    partitions: tuple[Name, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def key_types(self) -> tuple[str, ...]:
        """The types of the key's columns."""
        return tuple(c.type for name in self.key if (c := self.column(name)))


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: ``columns`` of ``child`` hold what ``keys`` of ``parent`` are."""

    name: str
    child: Name
    columns: tuple[str, ...]
    parent: Name
    keys: tuple[str, ...]
    on_delete: str = "a"


def table_from(row: Row) -> Table:
    """A table from a row of ``tables.sql``."""
    return Table(
        name=Name(row["schema"], row["name"]),
        columns=tuple(Column(**column) for column in row["columns"]),
        key=tuple(row["key"]),
        uniques=tuple(_unique(found) for found in row["uniques"]),
        triggers=tuple(Trigger(**found) for found in row["triggers"]),
        sequences=tuple(
            Sequence_(Name(found["schema"], found["name"]), found["column"], found["step"])
            for found in row["sequences"]
        ),
        partitions=tuple(Name(*found) for found in row["partitions"]),
    )


def _unique(found: Row) -> Unique:
    return Unique(
        found["name"],
        tuple(found["expressions"]),
        tuple(found["types"]),
        found["condition"] or "",
        found["nulls_equal"],
    )


def reference_from(row: Row) -> Reference:
    """A foreign key from a row of ``references.sql``."""
    return Reference(
        name=row["name"],
        child=Name(row["child_schema"], row["child"]),
        columns=tuple(row["columns"]),
        parent=Name(row["parent_schema"], row["parent"]),
        keys=tuple(row["keys"]),
        on_delete=row["on_delete"],
    )


def named(text: str, tables: Sequence[Name]) -> Name | None:
    """The table that a person means: its name alone (in ``public`` first), or ``schema.name``.

    >>> named("orders", [Name("shop", "orders")])
    Name(schema='shop', table='orders')
    """
    plain = [name for name in tables if name.table == text]
    if plain:
        return next((name for name in plain if name.schema == "public"), plain[0] if len(plain) == 1 else None)
    return next((name for name in tables if f"{name.schema}.{name.table}" == text), None)

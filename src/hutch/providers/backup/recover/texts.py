"""Recovery's SQL put together from what is known of the tables. Every name is quoted, every value a literal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from hutch.providers.backup.recover.facts import Name, Reference, Table, Unique

OURS = "hutch_recover"
"""The schema of our tables in the scratch database."""

AND, COMMA = sql.SQL(" and "), sql.SQL(", ")


def place(name: Name) -> sql.Composable:
    """A table, quoted."""
    return sql.Identifier(name.schema, name.table)


def of(alias: str, columns: Sequence[str]) -> sql.Composed:
    """Columns of an alias."""
    return COMMA.join(sql.Identifier(alias, column) for column in columns)


def names(count: int, alias: str = "") -> list[sql.Identifier]:
    """``k1``, ``k2`` …: what the columns of keys are called in our tables."""
    return [sql.Identifier(*([alias] if alias else []), f"k{n}") for n in range(1, count + 1)]


def equal(left: Sequence[sql.Composable], right: Sequence[sql.Composable], operator: str = "=") -> sql.Composed:
    """One by one the same."""
    how = sql.SQL(f" {operator} ")
    return AND.join(sql.Composed([a, how, b]) for a, b in zip(left, right, strict=True))


def columns(alias: str, found: Sequence[str]) -> list[sql.Composable]:
    """Each column of an alias."""
    return [sql.Identifier(alias, column) for column in found]


def as_text(found: Sequence[sql.Composable]) -> list[sql.Composable]:
    """Each as text."""
    return [sql.Composed([sql.SQL("("), one, sql.SQL(")::text")]) for one in found]


def typed(found: Sequence[sql.Composable], types: Sequence[str]) -> list[sql.Composable]:
    """Each text as the type that the server itself calls so."""
    return [sql.Composed([one, sql.SQL("::"), sql.SQL(kind)]) for one, kind in zip(found, types, strict=True)]


def arrays(count: int) -> sql.Composed:
    """The parameters of a batch: numbers, and an array of texts for each column."""
    return COMMA.join([sql.SQL("$1::bigint[]"), *(sql.SQL(f"${n}::text[]") for n in range(2, count + 2))])


def filled(alias: str, found: Sequence[str]) -> sql.Composed:
    """None of the columns is NULL: only then does a foreign key look (MATCH SIMPLE)."""
    return AND.join(sql.Composed([one, sql.SQL(" is not null")]) for one in columns(alias, found))


def empty(alias: str, found: Sequence[str]) -> sql.Composed:
    """One of the columns is NULL."""
    nulls = [sql.Composed([one, sql.SQL(" is null")]) for one in columns(alias, found)]
    return sql.Composed([sql.SQL("("), sql.SQL(" or ").join(nulls), sql.SQL(")")])


@dataclass(frozen=True, slots=True)
class Pick:
    """One table of a recovery: the live table, and its place among them, by which our tables are called.

    ``aside``: what is picked of it is copied beside it, so that the whole table is read once.
    """

    table: Table
    number: int
    aside: bool = True

    @property
    def pick(self) -> sql.Identifier:
        """Scratch: the keys and what was decided."""
        return sql.Identifier(OURS, f"pick_{self.number}")

    @property
    def rows(self) -> sql.Composable:
        """Scratch: a table that holds the picked rows whole."""
        return sql.Identifier(OURS, f"rows_{self.number}") if self.aside else self.place

    @property
    def deaths(self) -> sql.Identifier:
        """Scratch: what the audit log says."""
        return sql.Identifier(OURS, f"deaths_{self.number}")

    @property
    def stage(self) -> sql.Identifier:
        """Live, in the merging transaction: the rows that come back."""
        return sql.Identifier("pg_temp", f"hutch_stage_{self.number}")

    @property
    def place(self) -> sql.Composable:
        """The table itself, here and there."""
        return place(self.table.name)

    @property
    def width(self) -> int:
        """How many columns the key has."""
        return len(self.table.key)

    def match(self, row: str = "b", pick: str = "p") -> sql.Composed:
        """A row and a picked key are the same."""
        return equal(columns(row, self.table.key), names(self.width, pick))

    def same_death(self, row: str = "b") -> sql.Composed:
        """A row and an entry of the audit log speak of the same: compared as text, since any text may stand there."""
        return equal(as_text(columns(row, self.table.key)), names(self.width, "d"))

    def same_pick(self) -> sql.Composed:
        """A picked key and an entry of the audit log speak of the same."""
        return equal(as_text(names(self.width, "p")), names(self.width, "d"))

    def present(self) -> sql.Composed:
        """A live row has a key of a batch."""
        return equal(columns("t", self.table.key), typed(names(self.width, "k"), self.table.key_types))


def refers(reference: Reference, child: str = "b", parent: str = "r") -> sql.Composed:
    """A child refers to a parent."""
    return equal(columns(parent, reference.keys), columns(child, reference.columns))


def expressions(unique: Unique) -> list[sql.Composable]:
    """The index's own expressions, as the server wrote them."""
    return [sql.SQL(one) for one in unique.expressions]


def condition(unique: Unique) -> sql.SQL:
    """The index's condition, as the server wrote it."""
    return sql.SQL(unique.condition or "true")

"""How far a sequence may go, and the way to widen the column that it feeds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from hutch.providers.postgres.plans import qualified

LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
"""Where the integer types of Postgres end."""
BATCH = 10_000
"""Rows that one step of the copy touches, each in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that takes its values from a sequence; ``referring`` are the foreign keys to it."""

    schema: str
    table: str
    name: str
    type: str
    rows: float = 0.0
    bytes: int = 0
    referring: tuple[Column, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Column:
        """From the server's JSON."""
        listed = data.get("referring", ())
        assert isinstance(listed, list | tuple)
        return cls(
            schema=str(data["schema"]),
            table=str(data["table"]),
            name=str(data["column"]),
            type=str(data["type"]),
            rows=float(str(data.get("rows", 0))),
            bytes=int(str(data.get("bytes", 0))),
            referring=tuple(map(cls.read, listed)),
        )

    @property
    def limit(self) -> int:
        """The largest whole number that it holds; what is no integer type holds more than any sequence gives."""
        return LIMITS.get(self.type, LIMITS["bigint"])

    @property
    def place(self) -> str:
        """The table, as it is written."""
        return qualified(self.schema, self.table)

    def __str__(self) -> str:
        return f"{self.place}.{self.name}"


def narrow(columns: Sequence[Column], end: int) -> list[Column]:
    """Every column, also one that refers, that is full when a sequence comes to ``end``."""
    every = (c for column in columns for c in (column, *column.referring))
    return [c for c in every if c.limit <= end and c.limit < LIMITS["bigint"]]


def reach(columns: Sequence[Column]) -> int:
    """How far the sequence may go: the end of the narrowest column that holds its values."""
    return min((c.limit for column in columns for c in (column, *column.referring)), default=LIMITS["bigint"])


def type_for(end: int, wished: str, current: str) -> str:
    """The type that the sequence gets: the one wished for, or the one it has, where they reach ``end``.

    >>> type_for(2**31, "", "integer"), type_for(100, "", "bigint"), type_for(100, "integer", "bigint")
    ('bigint', 'bigint', 'integer')
    """
    return next((t for t in (wished, current) if t in LIMITS and end <= LIMITS[t]), "bigint")


def extend_statement(schema: str, name: str, type_: str, end: int) -> str:
    """The statement that moves a sequence's end; its values go on from where they are."""
    text = sql.SQL("ALTER SEQUENCE {} AS {} MAXVALUE {}")
    return text.format(sql.Identifier(schema, name), sql.SQL(_known(type_)), sql.Literal(end)).as_string()


def widening(column: Column) -> tuple[str, ...]:
    """The way from ``integer`` to ``bigint`` without holding up the table, as statements for a migration.

    A new column is kept up by a trigger, filled in batches, and takes the place of the old one in a short transaction.
    Source: the manual on ALTER TABLE: to change a column's type writes the whole table under an exclusive lock.
    """
    table, old, new = sql.Identifier(column.schema, column.table), column.name, f"{column.name}_wide"
    names = {
        "table": table,
        "old": sql.Identifier(old),
        "new": sql.Identifier(new),
        "function": sql.Identifier(column.schema, f"{column.table}_{new}"),
        "trigger": sql.Identifier(f"{column.table}_{new}"),
        "index": sql.Identifier(f"{column.table}_{new}_key"),
        "check": sql.Identifier(f"{column.table}_{new}_there"),
        "batch": sql.Literal(BATCH),
    }
    return tuple(sql.SQL(step).format(**names).as_string() for step in _STEPS)


_STEPS = (
    "ALTER TABLE {table} ADD COLUMN {new} bigint",
    "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN NEW.{new} := NEW.{old}; RETURN NEW; END$$",
    "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
    "until no row is left: UPDATE {table} SET {new} = {old} WHERE ctid = ANY "
    "(ARRAY(SELECT ctid FROM {table} WHERE {new} IS NULL LIMIT {batch}))",
    "CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} ({new})",
    "ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({new} IS NOT NULL) NOT VALID",
    "ALTER TABLE {table} VALIDATE CONSTRAINT {check}",
    "BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; then, in this transaction: "
    "drop the trigger and the primary key of {old}, rename {new} to {old}, give it the default and the sequence's "
    "ownership, ADD PRIMARY KEY USING INDEX {index}; COMMIT",
)


def _known(type_: str) -> str:
    if type_ not in LIMITS:
        raise ValueError(f"{type_!r} is no type of a sequence")
    return type_

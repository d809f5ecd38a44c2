"""Whether what a query shows is of persons or secret, by the names of its columns and tables (``data/sql.toml``)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hutch.effect.tables import words


def tell_of_persons(shown: Iterable[str], tables: Iterable[str]) -> bool:
    """Whether columns ``shown`` (``*`` for all) of ``tables`` name persons or hold secrets, rather than figures.

    A column counts when its name is personal in any table, or when a table of persons is read and the column is not
    known to be neutral.
    """
    neutral, named = words("sql", "personal", "neutral"), words("sql", "personal", "columns")
    persons = any(of_persons(table.lower()) for table in tables)
    return any(name in named or (persons and name not in neutral) for name in shown)


@lru_cache(maxsize=4096)
def of_persons(table: str) -> bool:
    """Whether a table of this name holds persons, their doings or secrets: by its name, or by a word of it."""
    if table in words("sql", "personal", "tables"):
        return True
    return not table.startswith("pg_") and not words("sql", "personal", "words").isdisjoint(table.split("_"))

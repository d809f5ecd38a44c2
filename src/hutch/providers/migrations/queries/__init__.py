"""The SQL that this provider sends, one statement a file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def text(name: str) -> str:
    """The text of ``<name>.sql``."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def query(name: str, table: str = "", column: str = "version") -> sql.Composed:
    """The statement, with the configured table, quoted, for ``{table}``, and its ``{column}`` of versions."""
    return sql.SQL(text(name)).format(table=sql.Identifier(*table.split(".")), column=sql.Identifier(column))

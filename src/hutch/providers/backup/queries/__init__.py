"""The SQL that this provider sends, one statement a file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def text(name: str) -> str:
    """The text of ``<name>.sql``."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def query(name: str, **names: sql.Composable) -> sql.Composed:
    """The statement, with quoted names put in their places."""
    return sql.SQL(text(name)).format(**names)

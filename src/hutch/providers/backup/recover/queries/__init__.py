"""The SQL of recovery, one statement a file. Names in braces are put in quoted, by :func:`text`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def text(name: str, **parts: sql.Composable) -> sql.Composed:
    """The statement ``<name>.sql`` with ``parts`` put in."""
    return sql.SQL(_read(name)).format(**parts)

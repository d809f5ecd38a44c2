"""The SQL that this provider sends, one statement a file. Names in braces are tables and columns of the settings."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from psycopg import sql

from hutch.model.pattern import like
from hutch.providers.audit.config import Config

_PART = re.compile(r"\{@([a-z_]+)\}")


@cache
def text(name: str) -> str:
    """The text of ``<name>.sql``, with the parts that it names as ``{@part}`` put in."""
    found = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return _PART.sub(lambda part: text(part[1]).strip(), found)


def query(name: str, config: Config) -> sql.Composed:
    """The statement with the configured tables and columns, quoted."""
    tables = {key: sql.Identifier(*found.split(".")) for key, found in config.tables.items()}
    columns = {key: sql.Identifier(found) for key, found in config.columns.items()}
    return sql.SQL(text(name)).format(**tables, **columns)


def parameters(config: Config) -> dict[str, object]:
    """What the queries compare with: events as LIKE patterns, and every number of the settings."""
    events: dict[str, object] = {f"e_{key}": like(found) for key, found in config.events.items()}
    return {**events, **config.texts, **config.numbers}

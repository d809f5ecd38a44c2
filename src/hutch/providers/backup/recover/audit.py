"""How the audit log names the deletion of a table's row. Pure: names in, SQL out."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from hutch.providers.backup.recover.config import RecoverConfig
from hutch.providers.backup.recover.facts import Name, Table
from hutch.providers.backup.recover.texts import COMMA, names


def singular(table: str) -> str:
    """A table's name as its audit entries say it.

    >>> [singular(t) for t in ("portfolios", "categories", "addresses", "data")]
    ['portfolio', 'category', 'address', 'data']
    """
    if table.endswith("ies"):
        return f"{table[:-3]}y"
    if table.endswith(("sses", "xes", "ches", "shes")):
        return table[:-2]
    return table[:-1] if table.endswith("s") and not table.endswith("ss") else table


def action_of(table: Name, config: RecoverConfig) -> str:
    """What the log calls the deletion of its row, ``*`` for any text."""
    return _given(config.actions, table) or f"{singular(table.table)}.deleted"


def log_table(config: RecoverConfig) -> Name:
    """Where the log is."""
    schema, _, table = config.audit["table"].rpartition(".")
    return Name(schema or "public", table)


def log_parts(config: RecoverConfig) -> dict[str, sql.Composable]:
    """The log's table and columns, for the statements."""
    audit = config.audit
    return {
        "audit": sql.Identifier(*log_table(config)),
        "at_column": sql.Identifier("a", audit["at"]),
        "who_column": sql.Identifier("a", audit["account"]),
        "action_column": sql.Identifier("a", audit["action"]),
    }


def key_parts(table: Table, config: RecoverConfig) -> sql.Composed:
    """What names the row in the details of an entry, a text for each column of its key: ``… as k1, … as k2``."""
    return COMMA.join(
        sql.SQL("{} as {}").format(_spelled(table, column, kind, config), name)
        for column, kind, name in zip(table.key, table.key_types, names(len(table.key)), strict=True)
    )


def _spelled(table: Table, column: str, kind: str, config: RecoverConfig) -> sql.Composable:
    details = sql.Identifier("a", config.audit["details"])
    found = [sql.SQL("{} ->> {}").format(details, sql.Literal(key)) for key in _keys(table, column, config)]
    whole = sql.SQL("coalesce({})").format(COMMA.join(found))
    return sql.SQL("lower({})").format(whole) if kind == "uuid" else whole


def _keys(table: Table, column: str, config: RecoverConfig) -> list[str]:
    """Keys of the details that may name it, the first that is there counts."""
    if len(table.key) > 1:
        return [column]
    given = _given(config.keys, table.name)
    return [given] if given else [f"{singular(table.name.table)}_id", column]


def _given(found: Mapping[str, str], table: Name) -> str:
    return found.get(f"{table.schema}.{table.table}", "") or found.get(table.table, "")

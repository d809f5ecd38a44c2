"""The statements of an emergency copy: make the tables, load the rows, then the rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
AFTER_LOADING = 4
"""Places from which statements need the rows to be there: constraints, foreign keys, indexes."""


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL takes it."""
    return "'" + text.replace("'", "''") + "'"


def all_of(tables: Sequence[Row], told: Sequence[Row], sequences: Sequence[Row], statements: Sequence[Row]
           ) -> dict[str, str]:  # fmt: skip
    """The files by name."""
    before = [s["statement"] for s in statements if s["place"] < AFTER_LOADING]
    after = [s["statement"] for s in statements if s["place"] >= AFTER_LOADING]
    moved = [f"select setval({literal(_place(s))}, {s['last']});" for s in sequences if s["last"] is not None]
    made = [f"create sequence if not exists {_place(s)};" for s in sequences]
    head = "\\set ON_ERROR_STOP on\n"
    return {
        "1-tables.sql": head + "\n".join([*before, *made, *map(_table, tables)]) + "\n",
        "2-rows.sql": head + "\n".join([*map(_loading, tables, told), *moved]) + "\n",
        "3-rest.sql": "\n".join(["-- Each by itself: what is missing may break a constraint.", *after]) + "\n",
    }


def _place(row: Row) -> str:
    return f"{quoted(row['schema'])}.{quoted(row['name'])}"


def _table(row: Row) -> str:
    columns = [
        f"    {quoted(c['name'])} {c['type']}{c['extra']}" + (" not null" if c["not_null"] else "")
        for c in row["columns"]
    ]
    return f"create table {_place(row)} (\n" + ",\n".join(columns) + "\n);"


def _loading(row: Row, told: Row) -> str:
    files = told["files"]
    if "whole" not in files:
        return f"-- {told['table']} is not in this copy"
    columns = ", ".join(quoted(c) for c in told["columns"])
    lines = [f"\\copy {_place(row)} ({columns}) from {literal(files['whole']['name'])}"]
    lines += [f"-- look before you load: {files[kind]['name']}" for kind in (".partial", ".suspect") if kind in files]
    return "\n".join(lines)

"""Runs a runbook's statements: reads by the reading login, changes by the operator; and psql's backslash commands."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.providers.postgres.care import failed
from hutch.providers.postgres.client import Client, Table, executed
from hutch.providers.postgres.errors import Kind, PostgresError
from hutch.providers.postgres.operator import Operator
from hutch.providers.postgres.queries import query

OUTPUT_LIMIT = 64 * 1024
"""Characters of output that are kept."""
CELL_LIMIT = 500
"""Characters of one value that are kept."""

# Backslash commands as psql has them, with the queries that answer each, one table a query.
_LISTS = {
    "dt": ("psql_dt",),
    "di": ("psql_di",),
    "dn": ("psql_dn",),
    "du": ("psql_du",),
    "l": ("psql_l",),
}
_DESCRIBE = ("psql_d_columns", "psql_d_indexes", "psql_d_constraints")
_BACKSLASH = re.compile(r"\\(?P<name>[a-z]+)(?P<more>[+S]*)(?:\s+(?P<object>\S+))?\s*;?")


@dataclass(frozen=True, slots=True)
class Statements:
    """Both ways to the server, for ``Connection.runs``."""

    client: Client
    operator: Operator

    async def sql(self, command: Command) -> Outcome:
        """The statement in ``text``, exactly one, with ``params`` bound to its ``%s``."""
        return await self._run(command, command.text)

    async def psql(self, command: Command) -> Outcome:
        """What a psql command line would run: the statement in ``args["sql"]``, or a backslash command."""
        text = str(command.args.get("sql", command.text)).strip()
        if not text.startswith("\\"):
            return await self._run(command, text)
        started = time.monotonic()
        try:
            tables = [await self.client.table(sql, params, command.timeout) for sql, params in _backslash(text)]
            if text.startswith("\\d ") and not any(table.rows for table in tables):
                raise PostgresError(Kind.SQL, f"there is no table {text.split()[1]} (or it has no column)")
        except PostgresError as error:
            return failed(error, time.monotonic() - started)
        return _done(tables, time.monotonic() - started)

    async def _run(self, command: Command, text: str) -> Outcome:
        started = time.monotonic()
        try:
            table = await self._table(command, text)
        except PostgresError as error:
            return failed(error if command.effect > Effect.READ else unsent(error), time.monotonic() - started)
        return _done([table], time.monotonic() - started)

    async def _table(self, command: Command, text: str) -> Table:
        params = command.params or None
        if command.effect <= Effect.READ:
            return await self.client.table(text, params, command.timeout)
        return await self.operator.run(lambda session: executed(session, text, params), command.timeout)


def unsent(error: PostgresError) -> PostgresError:
    """A read that got no answer changed nothing: it failed, and is never unknown."""
    error.sent = False
    return error


def _done(tables: Sequence[Table], seconds: float) -> Outcome:
    output = "\n".join(aligned(table) for table in tables)
    kept = output if len(output) <= OUTPUT_LIMIT else f"{output[:OUTPUT_LIMIT]}\n(cut after {OUTPUT_LIMIT} characters)"
    hits = sum(table.hits for table in tables)
    said = tables[0].status if tables[0].status and not tables[0].columns else counted(len(tables[0].rows))
    return Outcome(Result.DONE, said, kept, exit_code=0, seconds=seconds, hits=hits)


def counted(rows: int) -> str:
    """As psql says it: ``1 row``, ``2 rows``."""
    return "1 row" if rows == 1 else f"{rows} rows"


def aligned(table: Table) -> str:
    """Rows as psql shows them.

    >>> print(aligned(Table(("id", "name"), (("1", "a"), ("20", None)))))
     id | name
    ----+------
     1  | a
     20 |
    (2 rows)
    """
    if not table.columns:
        return table.status or "(0 rows)"
    body = [[_cell(value) for value in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.columns, *body, strict=True)]
    lines = [" " + " | ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)) for row in (table.columns, *body)]
    count = counted(len(body))
    ruler = "+".join("-" * (width + 2) for width in widths)
    more = ", there are more" if table.more else ""
    return "\n".join([lines[0].rstrip(), ruler, *(line.rstrip() for line in lines[1:]), f"({count}{more})"])


def _cell(value: str | None) -> str:
    text = (value or "").replace("\n", "⏎")
    return text if len(text) <= CELL_LIMIT else f"{text[: CELL_LIMIT - 1]}…"


def _backslash(text: str) -> list[tuple[str, dict[str, object]]]:
    """The queries behind a backslash command. :class:`PostgresError` names those that are known."""
    parts = _BACKSLASH.fullmatch(text)
    names = _queries(parts["name"], parts["object"] or "") if parts else ()
    if parts is None or not names:
        known = ", ".join(f"\\{name}" for name in ("d NAME", *_LISTS))
        raise PostgresError(Kind.SQL, f"{text.split()[0]} is not one of the backslash commands known here: {known}")
    return [(query(name), {"name": parts["object"] or None, "pattern": _pattern(parts["object"])}) for name in names]


def _queries(name: str, about: str) -> tuple[str, ...]:
    if name == "d":
        return _DESCRIBE if about else _LISTS["dt"]
    return _LISTS.get(name, ())


def _pattern(about: str | None) -> str:
    """psql's name pattern, ``*`` and ``?``, as a LIKE pattern; everything without one."""
    escaped = (about or "*").replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%").replace("?", "_")

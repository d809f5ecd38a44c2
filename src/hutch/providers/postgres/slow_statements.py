"""Which statements cost the server most right now, and whether an index is what they lack."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.errors import CAUSE_CODES, PostgresError
from hutch.providers.postgres.explained import explainable, plan_of
from hutch.providers.postgres.indexes import Table, index_name
from hutch.providers.postgres.looks import SHOWN_GROUPS
from hutch.providers.postgres.plans import Scan, scans
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import without_literals

LOOKED_INTO = 3
"""Statements whose plans are asked for; the dearest ones."""
_TWICE = 2
"""Executions within one look that make a habit: a report runs once."""
_OWN = 8
"""Executions under our own login within one look that are more than the checks make of any of their queries."""
_UNCOUNTED = "statements are not counted: load pg_stat_statements and create its extension"
_RELABELLED = "character varying"


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one moment: cost of each statement, reads of each table, and what runs."""

    at: float
    counters: Mapping[int, Row]
    running: Sequence[Row]
    scans: Mapping[tuple[str, str], Row]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a statement cost within the interval: executions ended or under way, and their milliseconds."""

    id: int
    executions: int
    milliseconds: float
    seconds: float
    text: str = ""

    @property
    def mean(self) -> float:
        """Milliseconds of one execution."""
        return self.milliseconds / max(self.executions, 1)

    @property
    def load(self) -> float:
        """% of one processor, were it all spent there."""
        return self.milliseconds / (10.0 * self.seconds)


async def missing_indexes(client: Client, config: Config) -> Seen:
    """The dearest statements of the last second that read a large table for few of its rows."""
    [row] = await client.rows(query("statements_available"))
    first = await _sample(client, row["available"])
    await asyncio.sleep(config.sample_gap)
    second = await _sample(client, row["available"])
    dear = [
        s for s in spent(first, second) if s.load >= config.statement_load and s.mean >= config.slow_statement_after
    ]
    texts = await _texts(client, [s.id for s in dear]) if dear and row["available"] else {}
    missing, notes = [], []
    for statement in [s for s in dear if explainable(texts.get(s.id, s.text))][:LOOKED_INTO]:
        try:
            text = texts.get(statement.id, statement.text)
            missing += [_as_dict(statement, text, *lack, first, second) for lack in await lacks(client, config, text)]
        except PostgresError as error:
            if error.kind in CAUSE_CODES:
                raise
            notes.append(f"statement {statement.id} can't be explained: {error}")
    data = {"missing": missing, "counted": row["available"], "dear": [_told(s) for s in dear[:SHOWN_GROUPS]]}
    summary = f"{len(missing)} of {len(dear)} dear statements lack an index" if dear else "no statement is dear"
    reason = "" if row["available"] else _UNCOUNTED
    return Seen(Status.WARN if missing else Status.OK, summary, data, tuple(notes), reason)


async def lacks(client: Client, config: Config, text: str) -> list[tuple[Scan, Table]]:
    """The scans of the statement's plan that an index would spare, each with its table. :class:`PostgresError`."""
    found = [(scan, await table_facts(client, scan.schema, scan.table)) for scan in scans(await plan_of(client, text))]
    return [(scan, table) for scan, table in found if table is not None and worth_it(scan, table, config)]


async def table_facts(client: Client, schema: str, table: str, login: str = "") -> Table | None:
    """What there is of a table, None for no table; ``login`` is asked about its rights."""
    rows = await client.rows(query("table_facts"), {"schema": schema, "table": table, "login": login})
    return Table.read(schema, table, rows[0]) if rows else None


def worth_it(scan: Scan, table: Table, config: Config) -> bool:
    """Whether the table is large, the filter leaves few rows, and no index over the same keys is there already."""
    large = table.rows >= config.index_rows
    few = scan.rows <= table.rows * (1 - config.index_discard / 100)
    usable = not any(key.cast and table.columns.get(key.column) != _RELABELLED for key in scan.keys)
    there = any(index.valid or index.building for index in table.like(scan.keys))
    return table.kind in ("r", "m") and large and few and usable and not there


def spent(first: Sample, second: Sample) -> list[Spent]:
    """What each statement that ran at least twice has cost between the samples, the dearest first, not our looks."""
    seconds = max(second.at - first.at, 0.001)
    running: dict[int, list[Row]] = defaultdict(list)
    for row in second.running:
        running[row["query_id"]].append(row)
    found = (_spent(id, first.counters.get(id), second.counters.get(id), running[id], seconds)
             for id in {*second.counters, *running})  # fmt: skip
    own = {id for id, row in second.counters.items() if row["own"]}
    habits = (s for s in found if s.executions >= (_OWN if s.id in own else _TWICE))
    return sorted(habits, key=lambda s: -s.milliseconds)


def _spent(id: int, before: Row | None, after: Row | None, running: Sequence[Row], seconds: float) -> Spent:
    """Counters that fell were reset in between: they count from zero."""
    calls, milliseconds = _change(before, after, "calls"), _change(before, after, "milliseconds")
    under_way = sum(float(row["milliseconds"]) for row in running)
    text = str(running[0]["query"]) if running else ""
    return Spent(id, int(calls) + len(running), milliseconds + under_way, seconds, text)


def _change(before: Row | None, after: Row | None, name: str) -> float:
    now, then = (float(row[name]) if row else 0.0 for row in (after, before))
    return now - then if now >= then else now


async def _sample(client: Client, counted: bool) -> Sample:
    async def counters() -> list[Row]:
        return await client.rows(query("statement_counters")) if counted else []

    statements, running, tables = await asyncio.gather(
        counters(), client.rows(query("running")), client.rows(query("table_scans"))
    )
    by_table = {(row["schema"], row["table"]): row for row in tables}
    return Sample(time.monotonic(), {row["queryid"]: row for row in statements}, running, by_table)


async def _texts(client: Client, ids: Sequence[int]) -> dict[int, str]:
    rows = await client.rows(query("statement_texts"), {"ids": list(ids)})
    return {row["queryid"]: row["query"] for row in rows}


def _told(statement: Spent) -> dict[str, object]:
    return {
        "statement": str(statement.id),
        "executions": statement.executions,
        "mean": round(statement.mean, 1),
        "load": round(statement.load, 1),
    }


def _as_dict(statement: Spent, text: str, scan: Scan, table: Table, first: Sample, second: Sample) -> dict[str, object]:
    """For a finding's data; the statement loses its values here."""
    keys = [str(key) for key in scan.keys]
    before, after = (sample.scans.get((table.schema, table.name)) for sample in (first, second))
    return _told(statement) | {
        "schema": table.schema,
        "table": table.name,
        "columns": keys,
        "index": index_name(table.schema, table.name, keys),
        "invalid": [index.name for index in table.like(scan.keys) if not index.valid],
        "kept": scan.rows,
        "rows": table.rows,
        "bytes": table.size,
        "scans": _change(before, after, "scans"),
        "read": _change(before, after, "rows"),
        "query": without_literals(text),
    }

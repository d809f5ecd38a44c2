"""Causes that have to do with indexes: one that is missing, and one that nothing can use."""

from __future__ import annotations

from hutch.model.finding import Cause, Finding, Object, Remedy
from hutch.providers.postgres.items import Item, items
from hutch.providers.postgres.plans import qualified
from hutch.providers.postgres.remedies import CREATE_INDEX, DROP_INDEX, FIRST, USUAL


def missing(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each table and the columns that the dearest statement looks it up by."""
    return [_missing(target, item) for item in items(finding, "missing")]


def invalid(target: str, finding: Finding | None) -> list[Cause]:
    """A cause for each index left behind by an attempt that failed: costs every write, helps no read."""
    return [_invalid(target, item) for item in items(finding, "indexes")]


def _missing(target: str, item: Item) -> Cause:
    schema, table = str(item["schema"]), qualified(str(item["schema"]), str(item["table"]))
    columns = item["columns"]
    assert isinstance(columns, list | tuple)
    keys = ", ".join(map(str, columns))
    rows, kept, mean = (float(str(item[name])) for name in ("rows", "kept", "mean"))
    read = float(str(item["read"]))
    seen = (f"{table} was read from end to end {item['scans']} times, {read:.0f} rows, between the looks",)
    args = {"schema": schema, "table": item["table"], "columns": columns, "statement": item["statement"]}
    make = Remedy(CREATE_INDEX, target, args, f"make an index on {table} ({keys})", rank=USUAL)
    return Cause(
        code="postgres.missing_index",
        object=Object("table", table, {"columns": columns, "statement": item["statement"], "schema": schema}),
        confidence=0.9 if read else 0.85,
        summary=f"a statement reads all of {table} for few of its rows: an index on ({keys}) is missing",
        target=target,
        evidence=(
            f"statement {item['statement']}: {item['executions']} times between the looks, {mean:.0f} ms each, "
            f"{item['load']} % of a processor: {item['query']}",
            f"its plan scans {rows:.0f} rows and keeps about {kept:.0f}; no index begins with ({keys})",
            *(seen if read else ()),
        ),
        remedies=(*_cleared(target, schema, item["invalid"]), make),
    )


def _cleared(target: str, schema: str, names: object) -> tuple[Remedy, ...]:
    """The remains of earlier attempts go first."""
    assert isinstance(names, list | tuple)
    return tuple(_dropping(target, schema, str(name), FIRST) for name in names)


def _dropping(target: str, schema: str, name: str, rank: int) -> Remedy:
    args = {"schema": schema, "index": name}
    return Remedy(DROP_INDEX, target, args, f"drop the invalid index {qualified(schema, name)}", rank=rank)


def _invalid(target: str, item: Item) -> Cause:
    """Sure, and yet the least sure of what is worth an incident: it may lie there for weeks, and has to stand behind
    whatever else is found, so that no other remedy is held to have failed for it."""
    schema, name = str(item["schema"]), qualified(str(item["schema"]), str(item["index"]))
    table = qualified(schema, str(item["table"]))
    kept = "every write of the table keeps it up to date all the same" if item["maintained"] else "nothing uses it"
    return Cause(
        code="postgres.invalid_index",
        object=Object("index", name, {"table": table, "schema": schema}),
        confidence=0.7,
        summary=f"index {name} of {table} is INVALID: it was left half-made, and no statement can use it",
        target=target,
        evidence=(f"{item['definition']}", f"{item['bytes']} bytes, not being built now; {kept}"),
        remedies=(_dropping(target, schema, str(item["index"]), USUAL),),
    )

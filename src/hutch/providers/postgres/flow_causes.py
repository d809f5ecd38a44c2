"""Causes that show in what the server does now: circles of waiting, too little memory, busy processors, damage."""

from __future__ import annotations

from collections.abc import Collection

from hutch.model.finding import Cause, Finding, Object
from hutch.providers.postgres.items import Item, items, number
from hutch.providers.postgres.remedies import ending, timing_out
from hutch.providers.postgres.sessions import Session

_SHOWN = 3
HOPELESS = 50.0
"""% of the pages found below which more is missed than found: no moment of warming up, where it is seen again."""
CPU_LIMIT = "60s"
"""The time-out proposed for a role whose statements keep the processors busy."""


def deadlocking(target: str, finding: Finding | None) -> list[Cause]:
    """Transactions take the same rows in different orders: only the program that does so can be cured."""
    if finding is None or finding.data.get("bad") is not True:
        return []
    count, seconds = number(finding.data, "count"), number(finding.data, "seconds")
    waiting = items(finding, "waiting")
    tables = sorted({name for item in waiting for name in str(item["tables"]).split(", ") if name})
    return [
        Cause(
            code="postgres.deadlocks",
            object=Object("database", str(finding.data["database"]), {"tables": tables}),
            confidence=0.8 if count > 1 else 0.6,
            summary=f"{count:.0f} deadlocks in {seconds:.0f} s: transactions lock the same rows in different orders",
            target=target,
            evidence=(
                "each time the server ended one of them with an error; the others had waited for deadlock_timeout",
                *(
                    f"waiting for another's row: {item['role']} {item['application']}: {item['query']}"
                    for item in waiting
                ),
                "the server's log names both sides of each; the cure is to take the rows in one order, or to try again",
            ),
        )
    ]


def spilling(target: str, finding: Finding | None) -> list[Cause]:
    """Sorts and joins that do not fit into work_mem."""
    if finding is None or finding.data.get("bad") is not True:
        return []
    statements, memory = items(finding, "statements"), number(finding.data, "work_mem")
    detail = {"value": int(memory), "statement": str(statements[0]["statement"]) if statements else None}
    return [
        Cause(
            code="postgres.temp_spill",
            object=Object("setting", "work_mem", detail),
            confidence=0.7 if statements else 0.5,
            summary=f"{finding.data['rate']} MB/s go to temporary files: work_mem, {memory / 2**20:g} MB, is too small "
            "for what runs again and again",
            target=target,
            evidence=(
                f"{finding.data['files']} temporary files in {number(finding.data, 'seconds'):.0f} s",
                *(f"{_line(item)}, {_pages(item, 'temp_written')} written" for item in statements[:_SHOWN]),
                "give the role, or these transactions, more (alter role … set work_mem), or the sort an index",
            ),
        )
    ]


def missing_the_cache(target: str, finding: Finding | None) -> list[Cause]:
    """What statements read again and again does not fit into shared_buffers."""
    if finding is None or finding.data.get("bad") is not True:
        return []
    statements, buffers = items(finding, "statements"), number(finding.data, "shared_buffers")
    detail = {"value": int(buffers), "statement": str(statements[0]["statement"])}
    return [
        Cause(
            code="postgres.cache_miss",
            object=Object("setting", "shared_buffers", detail),
            confidence=0.7 if number(finding.data, "percent") < HOPELESS else 0.6,
            summary=f"only {finding.data['percent']} % of the pages are found in shared_buffers "
            f"({buffers / 2**20:g} MB); {finding.data['rate']} MB/s are read past it",
            target=target,
            evidence=tuple(f"{_line(item)}, {_pages(item, 'reads')} read" for item in statements[:_SHOWN]),
        )
    ]


def busy(target: str, finding: Finding | None, spilling: Collection[str] = ()) -> list[Cause]:
    """A cause for each heavy statement that runs again and again; less sure of those that are ``spilling``, by their
    numbers: what makes these heavy is work_mem, which is named for itself."""
    return [_busy(target, item, str(item["statement"]) in spilling) for item in items(finding, "statements")]


def spilling_statements(finding: Finding | None) -> set[str]:
    """The server's numbers of those that write to its disk too much."""
    bad = finding is not None and finding.data.get("bad") is True
    return {str(item["statement"]) for item in items(finding, "statements")} if bad else set()


def _busy(target: str, item: Item, spills: bool) -> Cause:
    listed = item["sessions"]
    assert isinstance(listed, list | tuple)
    sessions = [Session.read(session) for session in listed]
    first = sessions[0]
    pids = sorted(session.pid for session in sessions)
    detail = {"role": first.role, "application": first.application, "statement": item["statement"], "pids": pids}
    return Cause(
        code="postgres.cpu_query",
        object=Object("session", str(first.pid), detail),
        confidence=0.6 if spills else 0.75,
        summary=f"one heavy statement of {first.role} {first.application} takes {item['load']} % of a processor",
        target=target,
        evidence=(
            f"{item['executions']} executions seen at work within a moment, waiting for nothing, "
            f"the longest for {first.idle_seconds:.1f} s: {item['query']}",
            *(("it sorts on the disk: more work_mem makes it lighter",) if spills else ()),
        ),
        remedies=(
            *ending(
                target,
                sessions,
                f"end {len(sessions)} sessions of {first.role} and their statements",
                statement=str(item["statement"]),
            ),
            *(() if first.protection else (timing_out(target, first.role, "statement_timeout", CPU_LIMIT),)),
        ),
    )


def damaged(target: str, finding: Finding | None) -> list[Cause]:
    """Pages that do not match their checksum: the disk or the memory gave back something else than was written."""
    return [_damaged(target, item) for item in items(finding, "damaged")]


def _damaged(target: str, item: Item) -> Cause:
    where = f"database {item['database']}" if item["database"] else "what all databases share"
    return Cause(
        code="postgres.corruption",
        object=Object("database", str(item["database"])),
        confidence=0.95,
        summary=f"damaged pages in {where}: take a copy of the files before anything else",
        target=target,
        evidence=(
            f"{item['failures']} reads met a page that does not match its checksum, the last at {item['last']}",
            "which ones: the server's log (page verification failed), or pg_amcheck --heapallindexed",
            "an index can be made anew; a table comes back from a backup",
        ),
    )


def _line(item: Item) -> str:
    return f"statement {item['statement']}, {number(item, 'calls'):.0f} times: {item['query']}"


def _pages(item: Item, name: str) -> str:
    return f"{number(item, name):.0f} pages"

"""Rules about damaged Postgres data: seen where it shows, and never wiped before the files are safe (DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.lint.sql import Sql

_DAMAGE = re.compile(r"\bcorrupt|\bdamaged? (?:page|block|table|index)|\bchecksum fail|\binvalid page", re.IGNORECASE)
_SEES_DAMAGE = ("bt_index_check (", "bt_index_parent_check (", "verify_heapam (")

SECURED = "stop the server and copy the data folder, or take a storage snapshot"


def corruption(page: Page) -> Iterator[Hit]:
    """A runbook about damaged tables whose detection cannot see damage, and whose steps stop at it."""
    for runbook, said in page.by_runbook():
        if not _DAMAGE.search(runbook.title) or not said:
            continue
        checks = [(s.line, c) for s in said for c in s.calls if c.program == "pg_amcheck"]
        yield from _half_seen(checks)
        if checks or any(q.has(*_SEES_DAMAGE) for s in said for q in s.sql) or not _is_postgres(said):
            continue
        yield Hit(
            runbook.line,
            "nothing here sees a damaged page: statistics and sizes look normal on one",
            "pg_amcheck --heapallindexed --database …",
        )
        yield from _stopped(said)


def _half_seen(checks: Sequence[tuple[int, Call]]) -> Iterator[Hit]:
    for line, call in checks:
        if not call.has("--heapallindexed", "--rootdescend"):
            yield Hit(
                line,
                "pg_amcheck alone does not see a row that its index lacks",
                "pg_amcheck --heapallindexed --database …",
            )


def _is_postgres(said: Sequence[Said]) -> bool:
    return any(s.sql or any(c.program.startswith(("pg_", "psql")) for c in s.calls) for s in said)


def _stopped(said: Sequence[Said]) -> Iterator[Hit]:
    for one in said:
        if any(c.program in {"pg_dump", "pg_dumpall"} for c in one.calls):
            yield Hit(one.line, "pg_dump fails at a damaged page: secure the files first", SECURED)
        if any(q.starts("reindex database", "reindex system") for q in one.sql):
            yield Hit(
                one.line,
                "REINDEX DATABASE repairs no table, and errors at its damaged page: rebuild what pg_amcheck names",
                "REINDEX INDEX CONCURRENTLY …",
            )


_WIPES = re.compile(
    r" (?:set (?:session |local )?|alter system set |alter (?:role|database) .* set )"
    r"(?P<name>zero_damaged_pages|ignore_checksum_failure|ignore_invalid_pages) (?:=|to) '?(?:on|true|1|yes)\b"
)
_OPTION = re.compile(r"(zero_damaged_pages|ignore_checksum_failure|ignore_invalid_pages)=(?:on|true|1|yes)\b")


def damage_wiped(page: Page) -> Iterator[Hit]:
    """Settings and tools that make the errors go away, and the rows with them."""
    for said in page.said:
        names = [name for sql in said.sql if (name := _wiped(sql))]
        names += [found[1] for call in said.calls for arg in call.args if (found := _OPTION.search(arg))]
        names += [
            c.program for c in said.calls if c.program == "pg_resetwal" and not c.has("-n", "--dry-run", "--help")
        ]
        for name in names:
            yield Hit(
                said.line,
                f"{name} makes the error go away, and what was there with it: secure the files first",
                SECURED,
            )


def _wiped(sql: Sql) -> str:
    found = _WIPES.match(sql.flat)
    return found["name"] if found else ""

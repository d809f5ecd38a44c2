"""Rules about dumps and what is restored from them (measured: DESIGN §10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hutch.model.runbook import Runbook
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

ARCHIVES = frozenset(
    {"cat", "zcat", "gzcat", "gunzip", "gzip", "bzcat", "xzcat", "zstdcat", "zstd", "aws", "gsutil", "pv"}
)
"""Programs that feed a dump into psql."""

SCRATCH = "createdb scratch && pg_restore -d scratch dump"

_DUMP = re.compile(r"dump|backup|restore|\.bak\b|snapshot", re.IGNORECASE)
_SCRATCH = re.compile(r"scratch|temp|tmp|restore|recover|verify|staging|test", re.IGNORECASE)
_READS_FILE = re.compile(r"^ \\ir? ?\S*(?:dump|backup|restore)")


def dump_over_live(page: Page) -> Iterator[Hit]:
    """A dump played into the running database by psql."""
    made = _made(page)
    for said in page.said:
        by_psql = [c for c in said.calls if c.program == "psql"]
        plays = any(_plays_dump(call) and not _into_scratch(call, said.runbook, made) for call in by_psql)
        if plays or (said.step.lang == "sql" and any(_READS_FILE.match(q.flat) for q in said.sql)):
            yield Hit(
                said.line,
                "over tables that exist, psql exits 0 after errors and restores nothing: restore into a scratch"
                " database, then merge the missing rows",
                "createdb scratch && psql -v ON_ERROR_STOP=1 -d scratch -f dump.sql",
            )


def _made(page: Page) -> frozenset[str]:
    """The runbooks that make a database of their own to restore into."""
    by_shell = {said.runbook.id for said in page.said if any(c.program == "createdb" for c in said.calls)}
    return frozenset(
        by_shell | {said.runbook.id for said in page.said if any(q.starts("create database") for q in said.sql)}
    )


def _plays_dump(call: Call) -> bool:
    fed = call.feeds is not None and call.feeds.program in ARCHIVES
    files = [f for f in call.files if not f.startswith("/dev/")]
    return bool(files) or fed or any(_DUMP.search(f) for f in call.values("-f", "--file"))


def _into_scratch(call: Call, runbook: Runbook, made: frozenset[str]) -> bool:
    return "ON_ERROR_STOP" in " ".join(call.args) and (_names_scratch(call) or runbook.id in made)


def _names_scratch(call: Call) -> bool:
    return bool(_SCRATCH.search(" ".join((*call.values("-d", "--dbname"), *call.operands()[:1]))))


def restore_clean(page: Page) -> Iterator[Hit]:
    """``--clean`` drops what it is about to restore."""
    for said in page.said:
        for call in said.calls:
            restores = call.program == "pg_restore" and not any(map(_SCRATCH.search, call.values("-d", "--dbname")))
            dumped = call.feeds if call.program == "psql" else None
            dumps = dumped is not None and dumped.program in {"pg_dump", "pg_dumpall"} and not _names_scratch(call)
            if (restores and call.has("--clean", "-c")) or (dumps and dumped and dumped.has("--clean", "-c")):
                yield Hit(
                    said.line,
                    "--clean drops the live tables first, and loses everything newer than the dump",
                    f"{SCRATCH}, then merge the missing rows",
                )


def restore_table(page: Page) -> Iterator[Hit]:
    """``pg_restore -t`` brings a table's rows and nothing that belongs to it."""
    for said in page.said:
        for call in said.calls:
            live = call.program == "pg_restore" and not any(map(_SCRATCH.search, call.values("-d", "--dbname")))
            if not live or not call.has("--table", "-t") or call.has("--list", "-l"):
                continue
            if call.has("--data-only", "-a"):
                says = "pg_restore --data-only stops at the first key that is there, and brings nothing of that table"
            else:
                says = "pg_restore -t brings no indexes, keys or serial defaults"
            yield Hit(said.line, f"{says}: restore whole into a scratch database", SCRATCH)


_SETVAL = re.compile(r" setval \(| alter sequence .* restart ")
_UPWARDS = ("greatest (", "nextval (", "last_value")


def sequence_back(page: Page) -> Iterator[Hit]:
    """A sequence set to what may be lower than it is: it then gives out numbers that are taken."""
    for said in page.said:
        for sql in said.sql:
            if _SETVAL.search(sql.flat) and not sql.has(*_UPWARDS):
                yield Hit(
                    said.line,
                    "may set the sequence back, and it then gives out numbers again that were given: only upwards",
                    "SELECT setval(S, greatest((SELECT max(id) FROM T), (SELECT last_value FROM S)))",
                )

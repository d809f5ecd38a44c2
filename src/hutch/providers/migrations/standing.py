"""Where each version stands, by the tool's table, the files and the schema. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hutch.providers.migrations.files import Declared, File, order

VERSION_COLUMNS = ("version", "version_num", "migration_name", "name")
STATEMENT_SHOWN = 300
"""Characters of a statement that evidence shows."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """One version: ``applied``, ``half-applied``, ``pending``, or ``no-file``.

    ``recorded``: the tool's own table says that it is half-applied; else the schema does. ``by_hand`` are the
    statements that would finish it, ``done`` how many of its statements ran, if the tool counts them.
    """

    version: str
    name: str
    state: str
    recorded: bool = True
    since: str = ""
    done: int | None = None
    there: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For a finding's data."""
        names = ("version", "name", "state", "recorded", "since", "done")
        lists = ("there", "missing", "invalid", "by_hand")
        return {**{n: getattr(self, n) for n in names}, **{n: list(getattr(self, n)) for n in lists}}


def standings(files: Sequence[File], rows: Sequence[Row]) -> list[Standing]:
    """Every version of the files and the table, in order, by what the table says."""
    recorded = [_recorded(str(version), row) for row in rows if (version := _version(row)) is not None]
    marked = {_key(s.version): s for s in recorded}
    reached = _reached(rows)
    found = [_of_file(file, marked.get(_key(file.version)), reached) for file in files]
    known = {_key(file.version) for file in files}
    others = [s for key, s in marked.items() if key not in known]
    found += [replace(s, state="no-file") if s.state == "applied" else s for s in others]
    return sorted(found, key=lambda s: order(s.version))


def _key(version: str) -> object:
    """A version as a number: golang-migrate notes 3 for ``003_name.up.sql``; one without any, as Alembic's, as text."""
    numbers = order(version)[0]
    return tuple(numbers) if re.fullmatch(r"[\d.]+", version) else version


def _version(row: Row) -> object:
    return next((row[name] for name in VERSION_COLUMNS if row.get(name) is not None), None)


def _recorded(version: str, row: Row) -> Standing:
    """dbmate and Rails have the version alone; golang-migrate ``dirty``, Flyway ``success``, Prisma and others
    ``started_at`` and ``finished_at``."""
    begun = bool(row.get("started_at")) and "finished_at" in row and not row["finished_at"]
    gone_back = bool(row.get("rolled_back_at"))
    half = not gone_back and (begun or row.get("dirty") is True or row.get("success") is False)
    state = "pending" if gone_back else "half-applied" if half else "applied"
    done = row.get("statements_done", row.get("applied_steps_count"))
    return Standing(version, "", state, since=str(row.get("started_at") or "") if half else "", done=done)


def _reached(rows: Sequence[Row]) -> str:
    """golang-migrate keeps one row, the version it has reached: all before it are applied."""
    return str(rows[0]["version"]) if len(rows) == 1 and {"version", "dirty"} == set(rows[0]) else ""


def _of_file(file: File, marked: Standing | None, reached: str) -> Standing:
    if marked is not None:
        return replace(marked, version=file.version, name=file.name)
    before = bool(reached) and order(file.version)[0] <= order(reached)[0]
    return Standing(file.version, file.name, "applied" if before else "pending")


def compared(standing: Standing, file: File, states: Mapping[Declared, str], mark: str) -> Standing:
    """The standing of a pending or half-applied version, with what the schema has of it.

    A pending one whose objects are there is half-applied whatever the table says, if nothing else can have made them.
    """
    of = {state: [d for d in file.declares if states.get(d) == state] for state in ("there", "missing", "invalid")}
    traces = of["invalid"] or [d for d in of["there"] if not d.unsure]
    half = standing.state == "half-applied" or bool(traces)
    if not half:
        return standing
    return replace(
        standing,
        state="half-applied",
        recorded=standing.state == "half-applied",
        there=tuple(map(str, of["there"])),
        missing=tuple(map(str, of["missing"])),
        invalid=tuple(map(str, of["invalid"])),
        by_hand=(*_by_hand(standing, file, of), mark),
    )


def _by_hand(standing: Standing, file: File, of: Mapping[str, Sequence[Declared]]) -> tuple[str, ...]:
    drops = tuple(f"DROP INDEX CONCURRENTLY {d.name};" for d in of["invalid"])
    left = {d.statement for d in (*of["missing"], *of["invalid"])}
    if standing.done is not None:
        left |= set(file.statements[standing.done :])
    made = {d.statement for d in of["there"]} - {d.statement for d in (*of["missing"], *of["invalid"])}
    rest = [text for text in file.statements if text in left - made]
    return (*drops, *(_short(text) for text in rest))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"{line};" if len(line) <= STATEMENT_SHOWN else f"{line[:STATEMENT_SHOWN]}…"


def mark_statement(table: str, standing: Standing, columns: Sequence[str]) -> str:
    """What notes a version as applied, once everything of it is there."""
    column = next((name for name in VERSION_COLUMNS if name in columns), VERSION_COLUMNS[0])
    version = "'" + standing.version.replace("'", "''") + "'"
    if standing.state != "half-applied":
        return f"INSERT INTO {table} ({column}) VALUES ({version});"  # noqa: S608 - shown, never sent
    done = {"finished_at": "finished_at = now()", "dirty": "dirty = false", "success": "success = true"}
    change = next((text for name, text in done.items() if name in columns), f"{column} = {column}")
    return f"UPDATE {table} SET {change} WHERE {column} = {version};"  # noqa: S608 - shown, never sent

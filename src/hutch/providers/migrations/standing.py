"""Where each version stands, by the tool's table, the files and the schema. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hutch.providers.migrations.alembic import ancestors
from hutch.providers.migrations.declared import Key
from hutch.providers.migrations.expected import Wanted
from hutch.providers.migrations.files import File, order
from hutch.providers.migrations.proposal import by_hand, shown

VERSION_COLUMNS = ("version", "version_num", "migration_name", "name")
STATES = ("applied", "half-applied", "pending", "no-file")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """One version: ``applied``, ``half-applied``, ``pending``, or ``no-file``.

    ``recorded``: the tool's own table says that it is half-applied; else the schema does. ``by_hand`` are the
    statements that would finish it, ``done`` how many of its statements ran, if the tool counts them, ``untold`` the
    statements of which the schema does not tell. ``edited``: the file is not the one that was applied.
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
    untold: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    edited: bool = False
    log: str = ""

    @property
    def label(self) -> str:
        """Version and name."""
        return f"{self.version} {self.name}".rstrip()

    @property
    def whole(self) -> bool:
        """Whether everything that can be told is there, and only the mark is missing."""
        return bool(self.there) and not self.missing and not self.invalid

    def as_dict(self) -> dict[str, object]:
        """For a finding's data."""
        names = ("version", "name", "state", "recorded", "since", "done", "edited", "log")
        lists = ("there", "missing", "invalid", "untold", "by_hand")
        return {**{n: getattr(self, n) for n in names}, **{n: list(getattr(self, n)) for n in lists}}


def standings(files: Sequence[File], rows: Sequence[Row]) -> list[Standing]:
    """Every version of the files and the table, in the files' order, by what the table says."""
    marked: dict[object, Standing] = {}
    for row in rows:
        if (version := _version(row)) is not None:
            one = _recorded(str(version), row, files)
            before = marked.get(_key(one.version))
            marked[_key(one.version)] = one if before is None else max(before, one, key=_weight)
    heads = [str(row["version_num"]) for row in rows if "version_num" in row]
    passed = ancestors(files, heads) if heads else set()
    reached = _reached(rows)
    found = [_of_file(file, marked.get(_key(file.version)), reached, passed) for file in files]
    known = {_key(file.version) for file in files}
    others = [s for key, s in marked.items() if key not in known]
    found += [replace(s, state="no-file") if s.state == "applied" else s for s in others]
    return found if passed or heads else sorted(found, key=lambda s: order(s.version))


def _weight(standing: Standing) -> tuple[int, str]:
    """Prisma keeps a row for each try: one that was applied counts, else one that is open, else the last."""
    return ("pending", "half-applied", "applied").index(standing.state), standing.since


def _key(version: str) -> object:
    """A version as a number: golang-migrate notes 3 for ``003_name.up.sql``; one without any, as Alembic's, as text."""
    numbers = order(version)[0]
    return tuple(numbers) if re.fullmatch(r"[\d.]+", version) else version


def _version(row: Row) -> object:
    return next((row[name] for name in VERSION_COLUMNS if row.get(name) is not None), None)


def _recorded(version: str, row: Row, files: Sequence[File]) -> Standing:
    """dbmate and Rails have the version alone; golang-migrate ``dirty``, Flyway ``success``, goose ``is_applied``,
    Prisma and others ``started_at`` and ``finished_at``."""
    begun = bool(row.get("started_at")) and "finished_at" in row and not row["finished_at"]
    gone_back = bool(row.get("rolled_back_at")) or row.get("is_applied") is False
    half = not gone_back and (begun or row.get("dirty") is True or row.get("success") is False)
    state = "pending" if gone_back else "half-applied" if half else "applied"
    done = row.get("statements_done", row.get("applied_steps_count") if half else None)
    digest = str(row.get("checksum") or "")
    file = next((f for f in files if f.version == version), None) if len(digest) == 64 else None
    edited = bool(file and file.checksum and file.checksum != digest)
    log = shown(" ".join(str(row.get("logs") or "").split())) if half else ""
    since = str(row.get("started_at") or "") if half else ""
    return Standing(version, "", state, since=since, done=done, edited=edited and state == "applied", log=log)


def _reached(rows: Sequence[Row]) -> str:
    """golang-migrate keeps one row, the version it has reached: all before it are applied."""
    return str(rows[0]["version"]) if len(rows) == 1 and {"version", "dirty"} == set(rows[0]) else ""


def _of_file(file: File, marked: Standing | None, reached: str, passed: set[str]) -> Standing:
    if marked is not None:
        return replace(marked, version=file.version, name=file.name)
    before = bool(reached) and order(file.version)[0] <= order(reached)[0]
    return Standing(file.version, file.name, "applied" if before or file.version in passed else "pending")


# ------------------------------------------------------------------ against the schema


def compared(
    standing: Standing, file: File, wanted: Sequence[Wanted], states: Mapping[Key, str], marks: Sequence[str]
) -> Standing:
    """The standing of a pending or half-applied version, with what the schema has of it.

    A pending one whose objects are there is half-applied whatever the table says, if nothing else can have made them.
    """
    done = [w for w in wanted if is_done(w, states)]
    invalid = [w for w in wanted if states.get(w.key) == "invalid" and not w.gone]
    traces = [w for w in done if w.sure] or [w for w in invalid if w.sure]
    if standing.state != "half-applied" and not traces:
        return standing
    left = [w for w in wanted if w not in done]
    told = {w.statement for w in wanted}
    untold = [n for n, step in enumerate(file.steps) if n not in told and not step.checkable]
    unproven = [n for n in untold if standing.done is None or n >= standing.done]
    return replace(
        standing,
        state="half-applied",
        recorded=standing.state == "half-applied",
        there=_told(done),
        missing=_told([w for w in left if w not in invalid]),
        invalid=tuple(map(str, (w.key for w in invalid))),
        untold=tuple(shown(file.steps[n].text) for n in unproven),
        by_hand=(*by_hand(file, left, states, unproven), *marks),
    )


def is_done(wanted: Wanted, states: Mapping[Key, str]) -> bool:
    """Whether the schema is, for this object, as the migration leaves it."""
    state = states.get(wanted.key)
    return state == "missing" if wanted.gone else state == "there"


def _told(wanted: Sequence[Wanted]) -> tuple[str, ...]:
    """Without what goes without saying: the columns of a table that is told itself."""
    tables = {w.key.name for w in wanted if w.key.kind == "table"}
    return tuple(str(w) for w in wanted if not (w.op.inner and w.key.name in tables))


def mark_statements(tool: str, table: str, standing: Standing, file: File, columns: Sequence[str]) -> list[str]:
    """What notes a version as applied, once everything of it is there, in the tool's own form; shown, never sent."""
    version = "'" + standing.version.replace("'", "''") + "'"
    if tool == "prisma":
        failed = f"UPDATE {table} SET rolled_back_at = now() WHERE migration_name = {version} AND finished_at IS NULL"  # noqa: S608
        new = (
            f"INSERT INTO {table} (id, checksum, migration_name, finished_at) VALUES"  # noqa: S608
            f" (gen_random_uuid(), '{file.checksum}', {version}, now());"
        )
        return [*([f"{failed} AND rolled_back_at IS NULL;"] if standing.state == "half-applied" else []), new]
    if tool == "alembic":
        return [f"-- alembic stamp {standing.version}"]
    column = next((name for name in VERSION_COLUMNS if name in columns), VERSION_COLUMNS[0])
    if standing.state != "half-applied":
        return [f"INSERT INTO {table} ({column}) VALUES ({version});"]  # noqa: S608
    done = {"finished_at": "finished_at = now()", "dirty": "dirty = false", "success": "success = true"}
    change = next((text for name, text in done.items() if name in columns), f"{column} = {column}")
    return [f"UPDATE {table} SET {change} WHERE {column} = {version};"]  # noqa: S608

"""Numbered SQL migrations in dbmate's layout: reading the files, and deciding what is applied and what is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Final, Literal

_FILE_NAME: Final = re.compile(r"(?P<version>\d+)_(?P<name>[a-z0-9_]+)\.sql")
_MARKER: Final = re.compile(r"--\s*migrate:(?P<kind>\w+)(?P<options>.*)")

State = Literal["applied", "pending", "no-file"]


class MigrationError(ValueError):
    """A migration is unusable or not due; the text says which, where and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `version` is text, as in `schema_migrations`; both parts are whole SQL scripts."""

    version: str
    name: str
    up: str
    down: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one version stands; `no-file` is a version marked as applied for which no file exists."""

    version: str
    name: str
    state: State


def parse_migration(file_name: str, text: str) -> Migration:
    """Read one file; raises `MigrationError` naming the file and the line that is wrong."""
    named = _FILE_NAME.fullmatch(file_name)
    if named is None:
        raise MigrationError(f"{file_name}: expected a name such as 008_add_theme.sql")
    up_at, down_at = _markers(file_name, text.splitlines())
    lines = text.splitlines()
    up, down = "\n".join(lines[up_at : down_at - 1]).strip(), "\n".join(lines[down_at:]).strip()
    if not up:
        raise MigrationError(f"{file_name}:{up_at}: nothing follows `-- migrate:up`")
    return Migration(named["version"], named["name"], up, down)


def _markers(file_name: str, lines: Sequence[str]) -> tuple[int, int]:
    found = [(number, match) for number, line in enumerate(lines, 1) if (match := _MARKER.match(line.strip()))]
    for number, match in found:
        if match["options"].strip():
            raise MigrationError(f"{file_name}:{number}: options are not supported: {match['options'].strip()}")
    if [match["kind"] for _, match in found] != ["up", "down"]:
        raise MigrationError(f"{file_name}: expected one `-- migrate:up` and then one `-- migrate:down`")
    return found[0][0], found[1][0]


def in_order(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """By version; raises `MigrationError` where two files share one."""
    ordered = tuple(sorted(migrations, key=lambda m: (int(m.version), m.version)))
    for before, after in pairwise(ordered):
        if int(before.version) == int(after.version):
            raise MigrationError(f"version {after.version} is used twice: {before.name} and {after.name}")
    return ordered


def bundled() -> tuple[Migration, ...]:
    """The migrations that ship with the service, in order."""
    folder = files("rolerabbit") / "migrations"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return in_order(parse_migration(entry.name, entry.read_text(encoding="utf-8")) for entry in found)


def standing(migrations: Sequence[Migration], applied: Collection[str]) -> tuple[Standing, ...]:
    """Every known version, in order, with what is known about it."""
    known = {m.version: m.name for m in migrations}
    rows = [Standing(m.version, m.name, "applied" if m.version in applied else "pending") for m in migrations]
    rows += [Standing(version, "", "no-file") for version in applied if version not in known]
    return tuple(sorted(rows, key=lambda row: (row.version.rjust(20, "0"), row.version)))


def pending(migrations: Sequence[Migration], applied: Collection[str]) -> tuple[Migration, ...]:
    """What `up` has to do, in order."""
    return tuple(m for m in migrations if m.version not in applied)


def last_applied(migrations: Sequence[Migration], applied: Collection[str]) -> Migration:
    """What `down` undoes; raises `MigrationError` where nothing is applied or the last one has no way back."""
    rows = [row for row in standing(migrations, applied) if row.state != "pending"]
    if not rows:
        raise MigrationError("nothing to roll back: no migration is applied")
    last = rows[-1]
    if last.state == "no-file":
        raise MigrationError(
            f"version {last.version} is marked as applied but has no migration file: "
            f"undo it by hand and delete its row from schema_migrations"
        )
    migration = next(m for m in migrations if m.version == last.version)
    if not migration.down:
        raise MigrationError(f"{migration.version}_{migration.name}.sql has nothing under `-- migrate:down`")
    return migration

"""Numbered SQL migrations in dbmate's layout: reading the files, and deciding what is applied and what is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

_FILE_NAME: Final = re.compile(r"(?P<version>\d+)_(?P<name>[a-z0-9_]+)\.sql")
_MARKER: Final = re.compile(r"--\s*migrate:(?P<kind>\w+)(?P<options>.*)")

_NO_TRANSACTION: Final = re.compile(r"^--\s*no-transaction\s*$", re.MULTILINE)
_DBMATE_OPTION: Final = "transaction:false"
_TOKEN: Final = re.compile(
    r"""'(?:[^']|'')*'|"[^"]*"|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|(?P<end>;)|[^;'"$/-]+|.""", re.DOTALL
)
_CONCURRENT_INDEX: Final = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(?P<name>[\w$]+)\"?\s+ON\b",
    re.IGNORECASE,
)

State = Literal["applied", "half-applied", "pending", "no-file"]


class MigrationError(ValueError):
    """A migration is unusable or not due; the text says which, where and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `version` is text, as in `schema_migrations`; both parts are whole SQL scripts.

    Not `transactional`: its statements run one by one, as `CREATE INDEX CONCURRENTLY` has to, and it can stop
    half-way; then the statements that had run are not run again.
    """

    version: str
    name: str
    up: str
    down: str
    transactional: bool = True

    @property
    def label(self) -> str:
        """As the file is called."""
        return f"{self.version}_{self.name}"


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
    alone = _NO_TRANSACTION.search(text) is not None or _DBMATE_OPTION in lines[up_at - 1]
    return Migration(named["version"], named["name"], up, down, transactional=not alone)


def statements(script: str) -> tuple[str, ...]:
    """The statements of a script, without what is only a comment.

    >>> statements("SELECT 1; SELECT ';' -- ; no\\n; -- end")
    ('SELECT 1', "SELECT ';' -- ; no")
    """
    found, part, words = [], "", False
    for token in _TOKEN.finditer(script + ";"):
        if token["end"]:
            found += [part.strip()] if words else []
            part, words = "", False
        else:
            part += token[0]
            words = words or not (token[0].isspace() or token[0].startswith(("--", "/*")))
    return tuple(found)


def concurrent_index(statement: str) -> str | None:
    """The name of the index that the statement makes concurrently, as the catalogue writes it; None for any other."""
    found = _CONCURRENT_INDEX.search(statement)
    if found is None:
        return None
    return found["name"] if f'"{found["name"]}"' in statement else found["name"].lower()


def _markers(file_name: str, lines: Sequence[str]) -> tuple[int, int]:
    found = [(number, match) for number, line in enumerate(lines, 1) if (match := _MARKER.match(line.strip()))]
    for number, match in found:
        if match["options"].strip() not in ("", _DBMATE_OPTION):
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


def known_to(environ: Mapping[str, str]) -> tuple[Migration, ...]:
    """The bundled migrations and those of the folder `RR_MIGRATIONS_EXTRA`; `MigrationError` where it can't be read."""
    extra = environ.get("RR_MIGRATIONS_EXTRA", "")
    if not extra:
        return bundled()
    try:
        texts = [
            (path.name, path.read_text(encoding="utf-8")) for path in Path(extra).iterdir() if path.suffix == ".sql"
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"RR_MIGRATIONS_EXTRA={extra}: expected a folder of migrations ({error})") from error
    return in_order([*bundled(), *(parse_migration(name, text) for name, text in texts)])


def standing(
    migrations: Sequence[Migration], applied: Collection[str], half: Collection[str] = ()
) -> tuple[Standing, ...]:
    """Every known version, in order, with what is known about it; `half` were begun and not finished."""
    known = {m.version for m in migrations}
    rows = [Standing(m.version, m.name, _state(m.version, applied, half)) for m in migrations]
    rows += [Standing(version, "", "no-file") for version in {*applied, *half} if version not in known]
    return tuple(sorted(rows, key=lambda row: (row.version.rjust(20, "0"), row.version)))


def _state(version: str, applied: Collection[str], half: Collection[str]) -> State:
    if version in half:
        return "half-applied"
    return "applied" if version in applied else "pending"


def pending(migrations: Sequence[Migration], applied: Collection[str]) -> tuple[Migration, ...]:
    """What `up` has to do, in order; one that is half applied has to be finished."""
    return tuple(m for m in migrations if m.version not in applied)


def last_applied(migrations: Sequence[Migration], applied: Collection[str], half: Collection[str] = ()) -> Migration:
    """What `down` undoes, half applied or whole; raises `MigrationError` where there is none, or no way back."""
    rows = [row for row in standing(migrations, applied, half) if row.state != "pending"]
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
        raise MigrationError(f"{migration.label}.sql has nothing under `-- migrate:down`")
    return migration

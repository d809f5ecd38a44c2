"""Reads a tool's folders of migrations: dbmate, goose, golang-migrate and Flyway files, Rails', Alembic's and Prisma's.

A name is shown and may become an argument of the team's tool: one that is not plain is told and left alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from hutch.providers.migrations import rails
from hutch.providers.migrations.alembic import in_order, script
from hutch.providers.migrations.files import File, order, sql_file

FILE_LIMIT = 1_000_000
"""Bytes of one file that are read; a longer one is taken without its contents."""
FILES_LIMIT = 20_000
"""Migrations of one service that are looked at."""

_SQL = re.compile(
    r"V?(?P<version>\d{1,40}(?:\.\d{1,9})*)(?:_+|-)(?P<name>[\w.+ -]+?)(?P<down>\.down)?(?:\.up)?\.sql", re.I
)
_RUBY = re.compile(r"(?P<version>\d{1,40})_(?P<name>[a-z0-9_]+)(?:\.[a-z0-9_]+)?\.rb")
_FOLDER = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Folders:
    """The migrations in order, and what is wrong with the folders, in words."""

    files: tuple[File, ...]
    problems: tuple[str, ...] = ()


def read_folders(tool: str, folders: Sequence[str]) -> Folders:
    """What the folders hold. ``OSError`` where one can't be listed."""
    read, suffix = READERS.get(tool, READERS["sql"])
    found: list[File] = []
    unknown: list[str] = []
    for place in (path for folder in folders for path in sorted(Path(folder).iterdir())):
        file = read(place)
        found += [file] if file else []
        unknown += [place.name] if file is None and place.name.lower().endswith(suffix) else []
    if len(found) > FILES_LIMIT:
        raise OSError(27, f"more than {FILES_LIMIT} migrations", str(folders[0]))
    files = in_order(found) if tool == "alembic" else sorted(_paired(found), key=lambda file: order(file.version))
    return Folders(tuple(files), (*_twice(files), *_not_understood(unknown), *_troubles(files)))


def _troubles(files: Sequence[File]) -> list[str]:
    return [f"{file.label}: {file.trouble}" for file in files if file.trouble][:5]


def _twice(files: Sequence[File]) -> list[str]:
    pairs = pairwise(files)
    return [f"version {a.version} is used twice: {a.name} and {b.name}" for a, b in pairs if a.version == b.version]


def _not_understood(names: Sequence[str]) -> list[str]:
    """Names are shown without what a terminal would obey."""
    shown = ", ".join(ascii(name[:60]) for name in names[:3])
    return [f"{len(names)} files are left out, their names are no version and name: {shown}"] if names else []


def _paired(found: Sequence[File]) -> list[File]:
    """golang-migrate keeps the way down in a file of its own."""
    downs = {file.version: file.down for file in found if file.language == "down"}
    files = [file for file in found if file.language != "down"]
    return [replace(f, down=downs[f.version]) if f.version in downs and not f.down else f for f in files]


# ------------------------------------------------------------------ one file each


def _sql(path: Path) -> File | None:
    named = _SQL.fullmatch(path.name)
    if named is None or not path.is_file():
        return None
    text, problem, digest = _text(path)
    if named["down"]:
        return File(named["version"], named["name"], down=text, language="down")
    return replace(sql_file(named["version"], named["name"], text, digest), problem=problem)


def _ruby(path: Path) -> File | None:
    named = _RUBY.fullmatch(path.name)
    if named is None or not path.is_file():
        return None
    text, problem, _ = _text(path)
    return rails.script(named["version"], named["name"], text, problem)


def _prisma(path: Path) -> File | None:
    inside = path / "migration.sql"
    if not path.is_dir():
        return None
    if _FOLDER.fullmatch(path.name) is None or not inside.is_file():
        return None
    text, problem, digest = _text(inside)
    return replace(sql_file(path.name, "", text, digest), problem=problem)


def _alembic(path: Path) -> File | None:
    if path.suffix != ".py" or path.name.startswith("__") or not path.is_file():
        return None
    text, problem, _ = _text(path)
    return script(path.stem, text, problem)


def _text(path: Path) -> tuple[str, str, str]:
    """The text, what is wrong with it, and the digest of the file."""
    stat = path.stat()
    if stat.st_size > FILE_LIMIT:
        return "", f"it has {stat.st_size} bytes, more than the {FILE_LIMIT} that are read", ""
    return _read(str(path), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _read(path: str, _changed: int, _size: int) -> tuple[str, str, str]:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return "", f"it can't be read: {error.strerror}", ""
    digest = hashlib.sha256(data).hexdigest()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", "it is not UTF-8 text", digest
    return ("", "it holds a null byte", digest) if "\x00" in text else (text, "", digest)


READERS: Mapping[str, tuple[Callable[[Path], File | None], str]] = {
    "sql": (_sql, ".sql"),
    "rails": (_ruby, ".rb"),
    "prisma": (_prisma, ".sql"),
    "alembic": (_alembic, ".py"),
}

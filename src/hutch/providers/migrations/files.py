"""Migration files: their versions, the statements of the way up, and what these declare. Reading a folder apart, pure.

Known layouts: dbmate and Rails (``020_name.sql`` with ``-- migrate:up``), goose (``-- +goose Up``), golang-migrate
(``020_name.up.sql``), Flyway (``V020__name.sql``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FILE_LIMIT = 1_000_000
"""Bytes of one file that are read; a longer one is taken without its contents."""

_FILE = re.compile(r"V?(?P<version>\d+(?:\.\d+)*)(?:_+|-)(?P<name>.+?)(?P<down>\.down)?(?:\.up)?\.sql", re.I)
_UP = re.compile(r"^--\s*(?:migrate:up|\+goose\s+up)\b.*$", re.I | re.M)
_DOWN = re.compile(r"^--\s*(?:migrate:down|\+goose\s+down)\b", re.I | re.M)
_PIECE = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*')|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<end>;)|"(?:[^"]|"")*"|[^;'"$/-]+|.""",
    re.S | re.X,
)
_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_MADE = {
    "table": re.compile(rf"^create\s+(?:unlogged\s+)?table\s+(?P<if>if\s+not\s+exists\s+)?(?P<name>{_PATH})", re.I),
    "index": re.compile(
        rf"^create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?P<if>if\s+not\s+exists\s+)?(?P<name>{_PATH})\s+on\b",
        re.I,
    ),
}
_ALTERED = re.compile(rf"^alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<name>{_PATH})", re.I)
_COLUMN = re.compile(rf"\badd\s+column\s+(?P<if>if\s+not\s+exists\s+)?(?P<part>{_NAME})", re.I)
_DROPPED = re.compile(rf"\b(?:drop|rename)\b[^;]*?\b(?P<name>{_NAME})\s*(?:;|,|$|cascade|restrict)", re.I)


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that a statement makes. ``name`` as it is written; ``part`` the column; ``unsure``: it may be older."""

    kind: str  # table index column
    name: str
    part: str
    statement: str
    unsure: bool = False

    def __str__(self) -> str:
        """As evidence names it."""
        return f"{self.kind} {self.name}.{self.part}" if self.part else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class File:
    """One migration. ``up`` is its way up; empty where the file was too long to read."""

    version: str
    name: str
    up: str

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The statements of the way up."""
        return tuple(text for text, _ in _statements(self.up))

    @cached_property
    def declares(self) -> tuple[Declared, ...]:
        """What tables, indexes and columns it makes. What it drops as well may have been there before."""
        split = list(_statements(self.up))
        dropped = {m["name"].strip('"') for _, bare in split for m in _DROPPED.finditer(bare)}
        return tuple(made for text, bare in split for made in _declared(text, bare, dropped))


def read_folders(folders: Sequence[str]) -> list[File]:
    """The migrations of the folders, in order. ``OSError`` where one can't be read."""
    found = [file for folder in folders for path in sorted(Path(folder).iterdir()) if (file := _read(path))]
    return sorted(found, key=lambda file: order(file.version))


def order(version: str) -> tuple[list[int], str]:
    """Versions in order of their numbers.

    >>> sorted(["10", "9", "020"], key=order)
    ['9', '10', '020']
    """
    return [int(part) for part in re.findall(r"\d+", version)], version


def _read(path: Path) -> File | None:
    named = _FILE.fullmatch(path.name)
    if named is None or named["down"]:
        return None
    text = path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= FILE_LIMIT else ""
    return File(named["version"], named["name"], way_up(text))


def way_up(text: str) -> str:
    """The part of a file that is the way up; all of it where nothing marks the parts.

    >>> way_up("-- migrate:up transaction:false\\nselect 1;\\n-- migrate:down\\nselect 2;")
    'select 1;'
    """
    up = _UP.search(text)
    rest = text[up.end() :] if up else text
    down = _DOWN.search(rest)
    return (rest[: down.start()] if down else rest).strip()


def _statements(script: str) -> Iterator[tuple[str, str]]:
    """Each statement without its comments; and without its texts too, so that only its structure is left."""
    text = bare = ""
    for piece in _PIECE.finditer(script + ";"):
        if piece["end"]:
            if bare.strip():
                yield text.strip(), bare.strip()
            text = bare = ""
            continue
        text += " " if piece["comment"] else piece[0]
        bare += " " if piece["comment"] else "''" if piece["quoted"] or piece["body"] else piece[0]


def _declared(text: str, bare: str, dropped: set[str]) -> Iterator[Declared]:
    for kind, words in _MADE.items():
        if made := words.match(bare):
            yield Declared(kind, made["name"], "", text, bool(made["if"]) or _last(made["name"]) in dropped)
    if altered := _ALTERED.match(bare):
        for column in _COLUMN.finditer(bare):
            unsure = bool(column["if"]) or column["part"].strip('"') in dropped
            yield Declared("column", altered["name"], column["part"], text, unsure)


def _last(path: str) -> str:
    return path.rpartition(".")[2].strip().strip('"')

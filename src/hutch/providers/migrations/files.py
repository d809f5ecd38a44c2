"""A migration file as it is compared and shown: its steps up and down, and what each of them does. Pure.

Where a file can't be read as what it should be (cut off, not text, too long), ``problem`` says so and it has no steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hutch.providers.migrations.declared import Op, loses, operations
from hutch.providers.migrations.words import Statement, Unreadable, statements

_UP = re.compile(r"^--\s*(?:migrate:up|\+goose\s+up)\b(?P<said>.*)$", re.I | re.M)
_DOWN = re.compile(r"^--\s*(?:migrate:down|\+goose\s+down)\b(?P<said>.*)$", re.I | re.M)
_ALONE = re.compile(r"^--\s*(?:\+goose\s+no\s+transaction|no-transaction)\s*$", re.I | re.M)
_OPTION = re.compile(r"\btransaction\s*:\s*false\b", re.I)
CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "START", "END"})


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, or one call of a script. ``loses`` says what no statement brings back."""

    text: str
    ops: tuple[Op, ...] = ()
    loses: str = ""
    statement: Statement | None = None

    @property
    def checkable(self) -> bool:
        """Whether the schema tells if it ran."""
        return bool(self.ops)


@dataclass(frozen=True)
class File:
    """One migration. ``language``: sql, python or ruby; ``parents``: the versions that come before it, for Alembic.

    Not ``transactional``: its statements run one by one. ``given`` are the steps
    of a script that is no SQL; ``marked``: it has dbmate's marks.
    """

    version: str
    name: str
    up: str = ""
    down: str = ""
    transactional: bool = True
    down_transactional: bool = True
    language: str = "sql"
    marked: bool = False
    checksum: str = ""
    parents: tuple[str, ...] = ()
    problem: str = ""
    given: tuple[Step, ...] = ()
    given_down: tuple[Step, ...] = ()

    @property
    def label(self) -> str:
        """Version and name."""
        return f"{self.version} {self.name}".rstrip()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The way up; nothing of a file with a problem."""
        return self.given or (() if self.trouble else tuple(_steps(self.up)))

    @cached_property
    def steps_down(self) -> tuple[Step, ...]:
        """The way down."""
        try:
            return self.given_down or tuple(_steps(self.down))
        except Unreadable:
            return ()

    @cached_property
    def trouble(self) -> str:
        """Why it can't be compared with the schema, or run; empty where it can."""
        if self.problem or self.language != "sql":
            return self.problem
        try:
            return "" if statements(self.up) or self.up.strip() or self.down.strip() else "it is empty"
        except Unreadable as error:
            return str(error)

    @property
    def untold(self) -> str:
        """The first call of a script of Rails' that only running it would tell, or that it says nothing; else empty."""
        if self.language != "ruby":
            return ""
        return next((s.text for s in self.steps if s.loses and not s.ops), "" if self.steps else "it declares nothing")

    @cached_property
    def controls(self) -> bool:
        """Whether it begins or ends transactions itself: then only the team's own tool can run it."""
        try:
            found = (*statements(self.up), *statements(self.down)) if self.language == "sql" else ()
        except Unreadable:
            return False
        return any(s.words[0].upper in CONTROL for s in found)

    @cached_property
    def operations(self) -> tuple[tuple[int, Op], ...]:
        """What its steps do, each with the step's number."""
        return tuple((number, op) for number, step in enumerate(self.steps) for op in step.ops)


def sql_file(version: str, name: str, text: str, checksum: str = "", down: str = "") -> File:
    """A file of SQL, with its ways up and down where markers part them.

    >>> sql_file("1", "x", "-- migrate:up transaction:false\\nselect 1;\\n-- migrate:down\\nselect 2;").up
    'select 1;'
    """
    up, back = _UP.search(text), _DOWN.search(text)
    first = text[up.end() :] if up else text
    cut = _DOWN.search(first)
    alone = _ALONE.search(text) is not None
    return File(
        version,
        name,
        (first[: cut.start()] if cut else first).strip(),
        (text[back.end() :] if back else down).strip(),
        transactional=not (alone or _says_alone(up)),
        down_transactional=not (alone or _says_alone(back)),
        marked=up is not None and "migrate" in up[0],
        checksum=checksum,
    )


def _says_alone(marker: re.Match[str] | None) -> bool:
    return marker is not None and _OPTION.search(marker["said"]) is not None


def _steps(script: str) -> Iterator[Step]:
    for statement in statements(script):
        if statement.words[0].upper not in CONTROL:
            yield Step(statement.bare(), tuple(operations(statement)), loses(statement), statement)


def order(version: str) -> tuple[list[int], str]:
    """Versions in order of their numbers.

    >>> sorted(["10", "9", "020"], key=order)
    ['9', '10', '020']
    """
    return [int(part) for part in re.findall(r"\d{1,40}", version)], version

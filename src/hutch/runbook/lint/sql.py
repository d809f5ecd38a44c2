"""SQL as the rules look at it: in a block of its own, in ``psql -c``, or in a here-document for psql."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hutch.model.runbook import Statement
from hutch.runbook import sql_lex
from hutch.runbook.lint.calls import Call
from hutch.runbook.shell_lex import Lexer

LONGEST = 65536
"""Characters; a longer statement is not looked into."""

_BOUNDED = re.compile(r"(?:PGOPTIONS|options)\s*=[^\n]{0,400}?lock_timeout", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sql:
    """One SQL statement. ``flat`` is it in lower case with one space around every token, without comments.

    ``joined`` tells that it runs in one transaction with others: ``psql -c "a; b"``, ``psql --single-transaction``.
    ``session`` is the psql it is given to, counted within its statement (0: the block is one session), and
    ``bounded`` whether that one waits for locks no longer than some time.
    """

    flat: str
    joined: bool = False
    session: int = 0
    bounded: bool = False

    def has(self, *phrases: str) -> bool:
        """Whether any of the phrases (tokens with single spaces) stands in it."""
        return any(f" {phrase} " in self.flat for phrase in phrases)

    def starts(self, *phrases: str) -> bool:
        """Whether it begins with one of the phrases."""
        return any(self.flat.startswith(f" {phrase} ") for phrase in phrases)


def flatten(text: str) -> str:
    """A statement's tokens in lower case, each with one space around it."""
    found = (t for t in sql_lex.tokens(text) if t.kind not in {"space", "comment", "end"})
    return f" {' '.join(text[t.start : t.end].lower() for t in found)} "


def statements_of(statement: Statement, lang: str, called: tuple[Call, ...]) -> tuple[Sql, ...]:
    """The SQL statements in a statement of a document."""
    if len(statement.text) > LONGEST:
        return ()
    if lang == "sql":
        return (Sql(flatten(statement.text)),)
    sessions = [call for call in called if call.program == "psql"]
    if not sessions:
        return ()
    bounded = bool(_BOUNDED.search(statement.text))
    given = [sql for number, call in enumerate(sessions, 1) for sql in _given(call, number, bounded)]
    return (*given, *_written(statement.text, sessions[-1], len(sessions), bounded))


def _given(call: Call, session: int, bounded: bool) -> Iterator[Sql]:
    for text in call.values("-c", "--command"):
        parts = [*_parts(text)]
        yield from (Sql(part, _whole(call) or len(parts) > 1, session, bounded) for part in parts)


def _written(text: str, call: Call, session: int, bounded: bool) -> Iterator[Sql]:
    """What stands in a here-document: taken as the last psql's."""
    if "<<" in text:
        body = "".join(text[t.start : t.end] for t in Lexer(text).tokens if t.kind == "body")
        yield from (Sql(part, _whole(call), session, bounded) for part in _parts(body))


def _whole(call: Call) -> bool:
    return call.has("-1", "--single-transaction")


def _parts(text: str) -> Iterator[str]:
    for item in sql_lex.items(text):
        if item.kind == "statement":
            yield flatten(text[item.start : item.end])

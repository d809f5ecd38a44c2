"""Postgres' own lexical rules (its ``scan.l``), so that what we judge is what the server will see.

A parser of many dialects reads some texts otherwise than Postgres does; whatever these rules do not
know (a backslash command, ``U&``, a template's braces, a psql variable) raises :class:`Alien`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

LIMIT = 64 * 1024
"""Bytes of a statement past which it is not parsed at all (1 MB takes seconds)."""

LONGEST_OPERATOR = 63
"""Characters (Postgres' ``NAMEDATALEN`` less one)."""

_LETTER = r"A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
    (?P<blank>[ \t\n\r\f\v]+)
  | (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<unicode>[uU]&['"])
  | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<string>[bBxXnN]?'(?:[^']|'')*')
  | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$)
  | (?P<param>\$[0-9]+(?![{_LETTER}]))
  | (?P<quoted>"(?:[^"]|"")+")
  | (?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![{_LETTER}]))
  | (?P<name>[{_LETTER}][{_LETTER}0-9$]*)
  | (?P<op>[-+*/<>=~!@\#%^&|`?]{{1,64}})
  | (?P<mark>::|:=|\.\.|[()\[\],;.:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ASCII_LOWER = {i: i + 32 for i in range(65, 91)}
_KEEPS_SIGN = frozenset("~!@#%^&|`?")


class Alien(ValueError):
    """The text has something that is not plain Postgres SQL; the message says what."""


class Token(NamedTuple):
    """``kind`` is name, quoted, string, number, param, op or mark; ``text`` is lower case for names."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens without blanks and comments. Raises :class:`Alien`."""
    found = list(_scan(text))
    for left, right in pairwise(found):
        if left.kind == right.kind == "string" and text[left.start] in "eE":
            raise Alien("an escape string that goes on in a second literal")
        if left.text == ":" and right.kind in ("name", "string", "quoted") and left.end == right.start:
            raise Alien("a psql variable")
    return found


def statements(found: list[Token]) -> list[list[Token]]:
    """The tokens of each statement, split at ``;`` outside parentheses; empty ones are left out."""
    parts: list[list[Token]] = [[]]
    for token in found:
        if token.text == ";" and token.kind == "mark":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _scan(text: str) -> Iterator[Token]:
    at, size = 0, len(text)
    while at < size:
        match = _TOKEN.match(text, at)
        if match is None:
            raise Alien(_oddity(text[at : at + 2]))
        kind, end = str(match.lastgroup), match.end()
        if kind == "name":
            yield Token(kind, match.group().translate(_ASCII_LOWER), at, end)
        elif kind == "mark":
            yield Token(kind, match.group(), at, end)
        elif kind == "block":
            end = _comment_end(text, at)
        elif kind == "unicode":
            raise Alien("a U& literal")
        elif kind not in ("blank", "line"):
            token = _token(kind, text, at, end)
            end = token.end
            yield token
        at = end


def _token(kind: str, text: str, at: int, end: int) -> Token:
    if kind == "dollar":
        close = text.find(text[at:end], end)
        if close < 0:
            raise Alien("a dollar quote that does not end")
        return Token("string", text[at : close + end - at], at, close + end - at)
    if kind == "op":
        end = at + _operator_length(text[at:end])
        if end - at > LONGEST_OPERATOR:
            raise Alien("an operator longer than names are")
    if kind == "string" and "\\'" in text[at:end]:
        raise Alien("a backslash before a quote, whose meaning is a server setting")
    return Token("string" if kind == "escaped" else kind, text[at:end], at, end)


def _operator_length(run: str) -> int:
    cut = min((i for i in (run.find("--", 1), run.find("/*", 1)) if i > 0), default=len(run))
    run = run[:cut]
    if len(run) > LONGEST_OPERATOR:
        raise Alien("an operator longer than Postgres knows one")
    return len(run) if _KEEPS_SIGN.intersection(run) else max(len(run.rstrip("+-")), 1)


def _comment_end(text: str, at: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return at + mark.end()
    raise Alien("a comment that does not end")


def _oddity(head: str) -> str:
    if head[0] == "\\":
        return "a psql backslash command"
    if head[0] in "{}":
        return f"template marks {head!r}"
    if head[0] in "'\"":
        return "a quote that does not end"
    return f"{head[0]!r}, which is not SQL"

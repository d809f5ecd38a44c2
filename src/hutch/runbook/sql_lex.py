"""A scanner for Postgres SQL: strings, quoted names, dollar quotes and comments, and where statements end.

It follows psql: semicolons in parentheses and in a function's ``BEGIN ATOMIC … END`` end nothing, a backslash command
ends with its line, the data of ``COPY … FROM STDIN`` ends with ``\\.``. Unclosed quotes reach to the end. Linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class Token(NamedTuple):
    """``kind`` is one of space, comment, string, escape (an E'' string), dollar, name (quoted), word, number, end
    (a semicolon), meta (a backslash command), data (of COPY), op."""

    kind: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>--[^\n]*)|(?P<block>/\*)
    |(?P<escape>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))|(?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z))
    |(?P<name>(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z))|(?P<dollar>\$(?:[^\W\d]\w*)?\$)
    |(?P<word>[^\W\d][\w$]*)|(?P<number>\d[\w.]*)|(?P<end>;)|(?P<meta>\\[^\n]*)|(?P<op>.)""",
    re.VERBOSE | re.DOTALL,
)
_LONG = frozenset({"block", "dollar"})
"""Groups that only begin a token."""

_TAG = re.compile(r"(?=(\$(?:[^\W\d]\w*)?\$))")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_COPY = re.compile(r"\bFROM\s+STDIN\b", re.IGNORECASE)
_ROUTINE = frozenset({"function", "procedure"})


def tokens(text: str) -> Iterator[Token]:
    """The tokens of ``text``, without gaps."""
    at, first, statement = 0, "", 0
    lasts: dict[str, int] = {}
    while found := _TOKEN.match(text, at):
        kind = found.lastgroup or "op"
        if kind == "dollar" and not lasts:
            lasts = {tag[1]: tag.start() for tag in _TAG.finditer(text)}
        token = _long(text, found, lasts) if kind in _LONG else Token(kind, at, found.end())
        yield token
        at = token.end
        if token.kind == "end":
            if first == "copy" and _COPY.search(text, statement, at):
                end = _data_end(text, at)
                yield Token("data", at, end)
                at = end
            first = ""
        elif not first and token.kind not in {"space", "comment"}:
            first, statement = text[token.start : token.end][:8].lower(), token.start


def _long(text: str, found: re.Match[str], lasts: Mapping[str, int]) -> Token:
    """The token that ``found`` opens. A ``$tag$`` that never closes is no quote; ``lasts`` says where each is last."""
    at, end, tag = found.start(), found.end(), found.group()
    if tag == "/*":
        return Token("comment", at, _comment_end(text, end))
    if lasts[tag] < end:
        return Token("op", at, end)
    return Token("dollar", at, text.find(tag, end) + len(tag))


def _data_end(text: str, at: int) -> int:
    r"""The end of COPY's data: after the line ``\.``, or the end of the text."""
    close = text.find("\n\\.", at)
    return len(text) if close < 0 else close + 3


def _comment_end(text: str, at: int) -> int:
    """The end of a block comment whose first ``/*`` ends at ``at``; they nest in Postgres."""
    depth = 1
    while depth and (found := _COMMENT_EDGE.search(text, at)):
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return at if depth == 0 else len(text)


class Item(NamedTuple):
    """A statement or a comment between statements, by its offsets."""

    kind: str  # statement or comment
    start: int
    end: int


_BLAND = r"""[^\s;'"$\\/()-]++|'[^'\\()]*+'|"[^"\\()]*+"|-(?!-)|/(?!\*)|\$[0-9]++(?![$])"""
_NESTED = rf"(?:{_BLAND})"
for _ in range(4):
    _NESTED = rf"(?:{_BLAND}|\((?:\s++|{_NESTED})*+\))"
_BODY = rf"{_NESTED}(?:\s*+{_NESTED})*+"
_USUAL = re.compile(rf"\s*+(?:(?P<comment>--[^\n]*+)|(?P<statement>{_BODY}(?:\s*+;|(?=\s*+\Z))|;)|\Z)")
"""A comment to the end of its line, or a statement without comments, in which each bracket and quote is closed."""

_UNUSUAL = re.compile(r"\b(?:function|procedure|stdin)\b", re.IGNORECASE)
"""Words of statements that a semicolon may not end."""


def items(text: str) -> Iterable[Item]:
    """Statements (with their semicolon, without surrounding comments) and comments, in order."""
    usual = _usual_items(text)
    return _items(text) if usual is None else usual


def _usual_items(text: str) -> list[Item] | None:
    """The items of a text of nothing but usual statements, as the tokens would tell them in five times the time."""
    if _UNUSUAL.search(text):
        return None
    found: list[Item] = []
    at = 0
    while at < len(text):
        if not (item := _USUAL.match(text, at)):
            return None
        if kind := item.lastgroup:
            found.append(Item(kind, *item.span(kind)))
        at = item.end()
    return found


def _items(text: str) -> Iterator[Item]:
    open_at, last, depth, atomic = -1, 0, 0, 0
    words: list[str] = []
    held: list[Item] = []
    for token in tokens(text):
        if token.kind == "space":
            continue
        if token.kind == "comment":
            held.append(Item("comment", token.start, token.end))
            continue
        if open_at < 0:
            yield from held
            open_at, depth, atomic, words = token.start, 0, 0, []
        held.clear()
        last = token.end
        if token.kind == "word" and (not words or words[0] == "create"):  # no other statement nests by its words
            word = text[token.start : token.end].lower()
            atomic = _nesting(word, words, atomic)
            words.append(word)
        elif token.kind == "op":
            depth = max(0, depth + _PARENTHESES.get(text[token.start], 0))
        elif token.kind in _ENDS and _ends(token, depth or atomic, first=token.start == open_at):
            yield Item("statement", open_at, last)
            open_at = -1
    if open_at >= 0:
        yield Item("statement", open_at, last)
    yield from held


_PARENTHESES = {"(": 1, ")": -1}
_ENDS = frozenset({"end", "data", "meta"})


def _ends(token: Token, nested: int, *, first: bool) -> bool:
    return (token.kind == "end" and not nested) or token.kind == "data" or (token.kind == "meta" and first)


def _nesting(word: str, words: list[str], atomic: int) -> int:
    """How deep in a routine's ``BEGIN ATOMIC``: only there does ``begin`` or ``case`` open something."""
    if not words or words[0] != "create" or not _ROUTINE.intersection(words[1:5]):
        return 0
    if word == "atomic" and words[-1] == "begin":
        return atomic + 1
    if atomic and word == "case" and words[-1] != "end":
        return atomic + 1
    return atomic - 1 if atomic and word == "end" else atomic

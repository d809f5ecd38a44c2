"""A block -> its statements, each with the comments that speak of it.

A comment belongs to the statement that it stands on one line with, or that follows it; right below a statement it
belongs to that one if it is an expectation, or if nothing follows it directly. What belongs to none is a note.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hutch.runbook import sql_lex
from hutch.runbook.expectations import read_comment
from hutch.runbook.shell_lex import Lexer
from hutch.runbook.sql_lex import Item
from hutch.runbook.transcript import commands, is_transcript, queries, speaks_sql

_BREAK = re.compile("\n")
_VARIABLE = r"\$(?:[A-Za-z_]|\{[A-Za-z_]\w*+(?::?[-=+?][\w./-]*+)?\})"
_CHUNK = (
    r"""(?:[^\s\\'"$`;&|<>()#{}]|'[^'\n]*+'|"""
    rf"""\"(?:[^"\\$`\n]|\\[^\n]|{_VARIABLE})*+"|{_VARIABLE}|[;>|&]|<(?!<))++"""
)
_GAP = r"(?:[ \t]|\\\n)"
_USUAL_LINE = re.compile(
    rf"{_GAP}*+(?P<statement>{_CHUNK}(?:{_GAP}++{_CHUNK})*+(?<![|&]))?+{_GAP}*+"
    r"(?:(?<![^ \t\n])(?P<comment>\#[^\n]*+))?+(?:\n|\Z)"
)
"""A line of shell, with those that it goes on in, that opens nothing that it does not close, and the comment at its
end."""

_OPENS = re.compile(r"\b(?:if|case|for|while|until|select)\b")
"""Words that may open what goes on in later lines."""

_MARKER = re.compile(r"(?:#+!?|--+|//+|/\*+)\s?")


@dataclass(slots=True)
class Comment:
    """A comment without its marker; ``line`` counts from 0 in the block."""

    text: str
    line: int


@dataclass(slots=True)
class Piece:
    """A statement of a block: its exact source text and first line (from 0 in the block)."""

    text: str
    line: int
    last: int
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class Pieces:
    """What a block holds: its statements, and the comments that belong to none of them."""

    statements: list[Piece] = field(default_factory=list)
    notes: list[Comment] = field(default_factory=list)


def split(text: str, lang: str) -> Pieces:
    """The statements of a block of a runnable language; nothing for any other."""
    match lang:
        case "sql":
            typed = queries(text) if speaks_sql(text) else text
            return _attach(typed, sql_lex.items(typed))
        case "bash" | "sh" | "shell" | "console":
            typed = commands(text) if lang == "console" or is_transcript(text) else text
            return _attach(typed, shell_items(typed))
        case "python":
            return _attach(text, _whole(text))
        case "promql" | "http":
            return _attach(text, _paragraphs(text, lang))
    return Pieces()


def shell_items(text: str) -> Iterator[Item]:
    """Statements of shell text: a line, with whatever it opens and continues. ``a; b`` and ``a && b`` stay whole."""
    usual = _usual_lines(text)
    if usual is not None:
        yield from usual
        return
    lexer = Lexer(text)
    if lexer.complete:
        yield from _by_tokens(lexer)
        return
    *whole, _ = [*_by_tokens(lexer)] or [Item("statement", 0, 0)]
    start = max((item.end for item in whole), default=0)
    yield from whole
    yield from _by_lines(text, start)  # something never closes: from there on, lines and continuations are all we know


def _usual_lines(text: str) -> list[Item] | None:
    """The items of a text of nothing but usual lines, as the lexer would find them in three times the time."""
    found: list[Item] = []
    at, may_open = 0, bool(_OPENS.search(text))
    while at < len(text):
        if not (line := _USUAL_LINE.match(text, at)):
            return None
        if may_open and line["statement"] and _OPENS.search(line["statement"]):
            return None
        found += [Item(kind, *line.span(kind)) for kind in ("statement", "comment") if line[kind]]
        at = line.end()
    return found


def _by_tokens(lexer: Lexer) -> Iterator[Item]:
    start, end = -1, -1
    held: list[Item] = []
    for token in lexer.tokens:
        if token.kind == "comment":
            held.append(Item("comment", token.start, token.end))
        elif token.kind == "newline":
            if start >= 0:
                yield Item("statement", start, end)
            yield from held
            start = -1
            held.clear()
        elif token.kind not in {"space", "continued"}:
            if start < 0:
                start = token.start
            end = token.end
            held.clear()
    if start >= 0:
        yield Item("statement", start, end)
    yield from held


def _by_lines(text: str, start: int) -> Iterator[Item]:
    at = start
    while at < len(text):
        end = text.find("\n", at)
        while end > at and text[end - 1] == "\\":
            end = text.find("\n", end + 1)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if bare := line.strip():
            first = at + line.index(bare[0])
            yield Item("comment" if bare[0] == "#" else "statement", first, first + len(bare))
        at = end + 1


def _whole(text: str) -> Iterator[Item]:
    if bare := text.strip():
        start = text.index(bare[0])
        yield Item("statement", start, start + len(bare))


def _paragraphs(text: str, lang: str) -> Iterator[Item]:
    """PromQL: an expression a paragraph. HTTP: a request up to the next ``###``."""
    divider = r"(?m)^###.*$" if lang == "http" else r"\n[ \t]*\n"
    at = 0
    for found in [*re.finditer(divider, text), None]:
        end = found.start() if found else len(text)
        yield from _without_comments(text, at, end)
        at = found.end() if found else end


def _without_comments(text: str, start: int, end: int) -> Iterator[Item]:
    at = start
    for line in text[start:end].split("\n"):
        if line.strip() and not line.lstrip().startswith(("#", "//")):
            break
        if line.strip():
            yield Item("comment", at, at + len(line))
        at += len(line) + 1
    body = text[at:end].rstrip()
    if body.strip():
        yield Item("statement", at + len(body) - len(body.lstrip()), at + len(body))


def _attach(text: str, items: Iterable[Item]) -> Pieces:
    breaks = [found.start() for found in _BREAK.finditer(text)]
    pieces = Pieces()
    group: list[Comment] = []
    for item in items:
        line = bisect_right(breaks, item.start - 1)
        if item.kind == "statement":
            piece = Piece(text[item.start : item.end], line, bisect_right(breaks, item.end - 1))
            piece.comments.extend(_claim(pieces, group, piece))
            pieces.statements.append(piece)
            group = []
            continue
        comment = Comment(_bare(text[item.start : item.end]), line)
        if pieces.statements and pieces.statements[-1].last == line:
            pieces.statements[-1].comments.append(comment)
        else:
            group.append(comment)
    pieces.notes.extend(_claim(pieces, group, None))
    return pieces


def _claim(pieces: Pieces, group: Sequence[Comment], following: Piece | None) -> list[Comment]:
    """Give the comments of ``group`` that speak of the statement before it to that one; return the others."""
    if not pieces.statements:
        return list(group)
    before = pieces.statements[-1]
    run = _adjacent(group, before.last + 1)
    touches = following is not None and len(run) == len(group) and before.last + 1 + len(run) == following.line
    taken = _expected(run) if touches else len(run)
    before.comments.extend(group[:taken])
    return list(group[taken:])


def _adjacent(group: Sequence[Comment], line: int) -> Sequence[Comment]:
    """The first comments of ``group`` that stand on ``line`` and the lines right after it."""
    count = next((at for at, comment in enumerate(group) if comment.line != line + at), len(group))
    return group[:count]


def _expected(run: Sequence[Comment]) -> int:
    """How many comments at the head of ``run`` are expectations; one that only announces them takes all."""
    for at, comment in enumerate(run):
        expects = read_comment(comment.text)
        if expects is None:
            return at
        if not expects:
            return len(run)
    return len(run)


def _bare(comment: str) -> str:
    text = comment.strip()
    if found := _MARKER.match(text):
        text = text[found.end() :]
    return text[:-1].rstrip("*").strip() if text.endswith("*/") else text.strip()

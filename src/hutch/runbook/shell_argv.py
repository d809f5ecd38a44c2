"""The argument list of a simple command, for running it without a shell; where only a shell understands it, none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hutch.runbook.placeholder_words import words_of
from hutch.runbook.shell_lex import Lexer, Quoting, Token
from hutch.runbook.shell_words import SKIPPED

BUILTINS = words_of(
    ". : [[ alias bg break cd command continue coproc declare disown enable eval exec exit export fg function getopts"
    " hash help history jobs let local popd pushd read readonly return set shift shopt source trap type typeset ulimit"
    " umask unalias unset wait"
)
"""Commands that are the shell's own."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_GLOB = re.compile(r"[*?\[\]]")
_EXPANDED = re.compile(r"[{}]|^~|[:=]~")
_IN_DOUBLE = frozenset('$`"\\')


class _NeedsShell(Exception):
    """Something that only a shell understands."""


def argument_list(text: str) -> list[str]:
    """The words that bash would start the command with; empty where it would do more than that.

    >>> argument_list("curl -H 'X: a b' https://a.example/?q=1  # why")
    ['curl', '-H', 'X: a b', 'https://a.example/?q=1']
    >>> argument_list("date | head")
    []
    """
    lexer = Lexer(text)
    try:
        found = [*_words(text, lexer.tokens)] if lexer.complete else []
    except _NeedsShell:
        return []
    head = found[0] if found else ""
    return [] if head in SKIPPED | BUILTINS or _ASSIGNMENT.match(head) else found


def _words(text: str, tokens: list[Token]) -> Iterator[str]:
    parts: list[str] | None = None
    ended = begun = False
    for token in tokens:
        if text.startswith("\\\n", token.start) and token.kind == "space":
            continue  # bash takes a continued line together, within a word too
        if token.kind in {"space", "comment", "newline"}:
            if parts is not None:
                yield _word(parts)
            parts = None
            ended = ended or (token.kind == "newline" and begun)
            continue
        if ended:
            raise _NeedsShell
        begun = True
        parts = [*(parts or []), *_piece(text[token.start : token.end], token)]
    if parts is not None:
        yield _word(parts)


_PLAIN, _QUOTED = "p", "q"


def _piece(raw: str, token: Token) -> list[str]:
    """A token's part of its word, with a mark before it that says whether it is quoted."""
    if token.kind == "quote" and raw == '"':
        return [_QUOTED]
    if token.kind == "text" and token.quoting is Quoting.SINGLE and len(raw) > 1:
        return [_QUOTED + raw[1:-1]]
    if token.kind == "text" and token.quoting is Quoting.DOUBLE:
        return [_QUOTED + _in_double(raw)]
    if token.kind == "word" and token.quoting is Quoting.PLAIN and not token.nested:
        if not raw.startswith("\\"):
            return [_PLAIN + raw]
        if len(raw) == 2:
            return [_QUOTED + raw[1]]
    raise _NeedsShell


def _in_double(raw: str) -> str:
    if not raw.startswith("\\"):
        return raw
    escaped = raw[1:]
    return "" if escaped == "\n" else escaped if escaped in _IN_DOUBLE else raw


def _word(parts: list[str]) -> str:
    """The word; what bash would expand in it needs a shell. A pattern in an address matches no file."""
    plain = "".join(p[1:] for p in parts if p[0] == _PLAIN)
    value = "".join(p[1:] for p in parts)
    if _EXPANDED.search(plain) or (_GLOB.search(plain) and not re.match(r"[a-z][a-z0-9+.-]*://", value)):
        raise _NeedsShell
    return value

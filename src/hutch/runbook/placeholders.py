"""Finds what must be filled in before a statement may run.

Forms: ``[deployment-url]`` ``<pod>`` ``{{ x }}`` ``$X`` ``${X}`` ``YOUR_X`` ``PREVIOUS_VERSION`` ``PID``. Runbooks use
them where a parser sees a glob, a redirection or a column, so they are found apart from parsing, by the tables of
:mod:`hutch.runbook.placeholder_words`. Where both readings are possible, it is a placeholder: then the statement does
not run until somebody has said what is meant.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from hutch.model.runbook import Placeholder
from hutch.runbook import placeholder_words as table
from hutch.runbook import sql_lex
from hutch.runbook.shell_lex import Lexer, Quoting, Token
from hutch.runbook.shell_words import commands

SHELLS = frozenset({"bash", "sh", "shell", "console"})
"""Languages that a shell runs."""

_CANDIDATE = re.compile(
    r"""(?P<mustache>\{\{-?\s*(?P<m>[A-Za-z_][\w.-]*)\s*-?\}\})
    |(?P<parameter>\$\{[\#!]?(?P<p>[A-Za-z_]\w*)(?P<operator>[^}\n]{0,200})\})
    |(?P<variable>\$(?P<v>[A-Za-z_]\w*))
    |(?P<square>\[(?P<s>[A-Za-z][^\[\]\n]{0,60})\])
    |(?P<angle><(?P<a>[A-Za-z][A-Za-z0-9_.:/ -]{0,60})>)
    |(?P<upper>(?<![A-Za-z0-9_])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+|-[A-Z][A-Z0-9]*)*(?![A-Za-z0-9_]))""",
    re.VERBOSE,
)
_BEGINS = re.compile(r"[{$\[<A-Z]")
"""What every candidate begins with: sought first, it is a fraction of the work."""

_ASSIGNED = re.compile(
    r"(?:^|[\s;&|({])([A-Za-z_]\w*)\+?="
    r"|\bfor\s+([A-Za-z_]\w*)|\bread\s+(?:-\w+\s+)*([A-Za-z_]\w*)"
)
_HEREDOC_END = re.compile(r"<<-?[ \t]*[\\'\"]?(\w+)")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_CLOSING_TAG = re.compile(r"</(\w+)>")
_DEFAULTED = re.compile(r":?[-=+]")

Found = re.Match[str]


def find(text: str, lang: str) -> tuple[Placeholder, ...]:
    """The placeholders of a statement, in order; names in lower case with hyphens."""
    candidates = [found for found in _candidates(text) if not found["upper"] or table.may_ask(found.group())]
    if not candidates:
        return ()
    accept = _shell(text) if lang in SHELLS else _sql(text) if lang == "sql" else _other
    return tuple(_placeholder(found) for found in candidates if accept(found))


def _placeholder(found: Found) -> Placeholder:
    inner = next((g for g in found.group("m", "p", "v", "s", "a") if g), found.group())
    return Placeholder(normal(inner), found.group(), found.start(), found.end())


def normal(name: str) -> str:
    """The key of a placeholder: ``PREVIOUS_DEPLOYMENT_URL`` is ``previous-deployment-url``."""
    return _SEPARATORS.sub("-", name.lower()).strip("-")


def _candidates(text: str) -> Iterator[Found]:
    """What has the form of a placeholder, wherever it stands; a bracket that is none may hold others."""
    at, closed = 0, frozenset(_CLOSING_TAG.findall(text) if "</" in text else ())
    while begins := _BEGINS.search(text, at):
        found = _CANDIDATE.match(text, begins.start())
        if found is None:
            at = begins.end()
            continue
        if (found["square"] and not _is_bracketed(text, found)) or (found["angle"] and not _is_angled(found, closed)):
            at = found.start() + 1
            continue
        yield found
        at = found.end()


def _is_bracketed(text: str, found: Found) -> bool:
    before, after = _around(text, found)
    if before in _NO_BRACKET_AFTER or before.isalnum() or after.isalnum():
        return False
    if after in _QUANTIFIERS and not _QUERY.match(text, found.end()):
        return False
    inner = found["s"]
    return not (table.RANGES.fullmatch(inner) or table.HEX.fullmatch(inner) or table.LITERALS.fullmatch(inner))


_NO_BRACKET_AFTER = frozenset("_$]\\.)")
_QUANTIFIERS = frozenset("_(*+?{[")
_QUERY = re.compile(r"\?\w+=")


def _is_angled(found: Found, closed: frozenset[str]) -> bool:
    inner = found["a"]
    return not (inner.lower() in table.HTML_TAGS or inner.endswith((" ", "/")) or inner.split()[0] in closed)


def _around(text: str, found: Found) -> tuple[str, str]:
    """The characters right before and right after; empty at an end of the text."""
    return text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]


# ------------------------------------------------------------------ shell


def _shell(text: str) -> Callable[[Found], bool]:
    tokens = Lexer(text).tokens
    starts = [t.start for t in tokens]
    heads: list[tuple[int, str]] = []
    ends = set(_HEREDOC_END.findall(text)) if "<<" in text else set[str]()
    assigned = {name for groups in _ASSIGNED.findall(text) for name in groups if name}

    def accept(found: Found) -> bool:
        token = tokens[bisect_right(starts, found.start()) - 1]
        if token.quoting is Quoting.COMMENT:
            return False
        if found["variable"] or found["parameter"]:
            return _is_unset(text, found, token, assigned)
        if found["mustache"]:
            return found["m"].lower() not in table.TEMPLATE_WORDS
        if not heads:
            heads.extend((command.start, command.program) for command in commands(text, tokens))
        program = _program_at(heads, found.start())
        if found["upper"]:
            return found["upper"] not in ends and _is_upper(text, found, token, program)
        return not (program in table.PATTERN_PROGRAMS and token.quoting is not Quoting.PLAIN)

    return accept


def _program_at(heads: Sequence[tuple[int, str]], at: int) -> str:
    index = bisect_right(heads, (at, "\U0010ffff")) - 1
    return heads[index][1] if index >= 0 else ""


def _is_unset(text: str, found: Found, token: Token, assigned: set[str]) -> bool:
    """A variable that the shell would expand here and that neither it nor the statement sets."""
    name = found["v"] or found["p"]
    if name in table.SHELL_VARIABLES or name in assigned or _DEFAULTED.match(found["operator"] or ""):
        return False
    if token.quoting is Quoting.HEREDOC:
        return _around(text, found)[0] != "\\"
    return token.quoting is Quoting.ARITHMETIC or token.kind == "var"


def _is_upper(text: str, found: Found, token: Token, program: str) -> bool:
    word = found.group()
    before, after = text[max(0, found.start() - 2) : found.start()], _around(text, found)[1]
    is_flag = before.endswith("-") and before[:-1] in {"", " ", "-"}
    if is_flag or before[-1:] in {"$", "%", "{", "@"} or after in {"=", "("}:
        return False
    literal = token.quoting in {Quoting.SINGLE, Quoting.ANSI, Quoting.LITERAL}
    if literal or program in table.PATTERN_PROGRAMS or program in table.NAMING_PROGRAMS:
        return word.startswith(("YOUR_", "YOUR-"))
    alone = (before[-1:] or " ") in _OPENS and (after or " ") in _CLOSES
    return table.is_named(word) or (table.is_open(word) and alone)


_OPENS = frozenset(" \n\t:=/('\"@")
_CLOSES = frozenset(" \n\t)'\"/:;")


# ------------------------------------------------------------------ SQL


def _sql(text: str) -> Callable[[Found], bool]:
    tokens = [*sql_lex.tokens(text)]
    starts = [t.start for t in tokens]
    words = {text[t.start : t.end] for t in tokens if t.kind == "word"}
    columns = bool({w.lower() for w in words} & {"from", "update", "into", "join", "table"})
    mixed = any(w.islower() for w in words)  # where all is in upper case, PID is a column

    def accept(found: Found) -> bool:
        kind = tokens[bisect_right(starts, found.start()) - 1].kind
        if kind == "comment":
            return False
        if kind in {"string", "escape", "dollar", "name"}:
            return _in_string(found)
        if found["upper"]:
            return kind == "word" and _is_argument(text, found) and (mixed or not columns)
        if found["variable"]:
            return found["v"].isupper() and len(found["v"]) > 1
        if found["square"]:
            return _is_no_subscript(text, found)
        return not found["angle"] or _is_no_comparison(text, found)

    return accept


_AFTER_SQL = frozenset({"", *" \t\n),;"})
_BEFORE_SQL = frozenset({"", *" \t\n(=,"})
_NEAR = 60
"""Characters before a candidate that are looked at: as long as a name in Postgres can be."""


def _is_no_subscript(text: str, found: Found) -> bool:
    """``ids [n]`` is an element of an array; after a keyword or an operator, brackets are a placeholder."""
    before = re.search(r"([\w)\]]+)\s*$", text[max(0, found.start() - _NEAR) : found.start()])
    return before is None or before[1].lower() in table.VALUE_MAY_FOLLOW


def _is_no_comparison(text: str, found: Found) -> bool:
    before, after = _around(text, found)
    return " " not in found["a"] and before in _BEFORE_SQL and after in _AFTER_SQL


def _in_string(found: Found) -> bool:
    if found["upper"]:
        return found.group().startswith(("YOUR_", "YOUR-"))
    return not found["variable"]


def _is_argument(text: str, found: Found) -> bool:
    """Whether an upper-case word stands where a value does: after ``(``, ``,`` or a comparison, and alone there."""
    word = found.group()
    if not (table.is_named(word) or table.is_open(word)):
        return False
    before = text[max(0, found.start() - _NEAR) : found.start()].rstrip()[-1:]
    after = text[found.end() : found.end() + _NEAR].lstrip()[:1]
    return before in {"(", ",", "=", "<", ">"} and (after in {")", ",", ";", ""} or after.isalpha())


# ------------------------------------------------------------------ other languages


def _other(found: Found) -> bool:
    """In requests and code only what cannot be anything else."""
    if found["upper"]:
        return found.group().startswith(("YOUR_", "YOUR-"))
    return bool(found["mustache"] or found["angle"] or found["parameter"])

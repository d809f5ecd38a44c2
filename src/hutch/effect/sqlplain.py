"""The usual queries and writes, told by their tokens alone.

What people write most is a SELECT of one table with conditions, a plain UPDATE, DELETE or INSERT, or a column that is
added. Its tokens, one letter each, match a regular expression that takes less than Postgres' grammar and less than the
parser: for these the tree of :mod:`hutch.effect.sqltree`, which takes twenty times as long to make, would say the same,
word for word. All other statements are for the tree. That a query's calls, types and operators are known,
:mod:`hutch.effect.sqlshape` says. ADR 37.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from sqlglot.dialects.dialect import Dialect
from sqlglot.parsers.postgres import PostgresParser

from hutch.effect.persons import tell_of_persons
from hutch.effect.sqlwords import Token
from hutch.model.effect import Effect, Verdict

MOST_TOKENS = 500
"""A longer statement is no usual one."""

DEEPEST = 6
"""Calls and parentheses inside one another."""

_WORDS = {
    "select": "S", "distinct": "D", "as": "a", "from": "F", "where": "W", "group": "G", "by": "b", "having": "H",
    "order": "O", "asc": "d", "desc": "d", "limit": "M", "offset": "X", "and": "&", "or": "|", "not": "N",
    "between": "B", "in": "I", "like": "L", "ilike": "L", "is": "Y", "null": "0", "true": "0",
    "false": "0", "interval": "i",
    "update": "U", "set": "T", "delete": "E", "insert": "R", "into": "J", "values": "V",
}  # fmt: skip
_SIGNS = {
    **{sign: sign for sign in "().,*"},
    **dict.fromkeys(("=", "<", ">", "<=", ">=", "<>", "!="), "="),
    **dict.fromkeys(("+", "-", "/", "||"), "+"),
}
_KINDS = {"string": "s", "number": "#", "param": "p"}
_OTHER = "?"
"""The letter of a token that no usual statement has: nothing matches it."""

# one value; sums of values; one condition; conditions. The last alternative of each repetition never gives back.
_VALUE = r"(?:n(?:\.n)?+|[vsp#0]|is)"
_SUM = rf"{_VALUE}(?:[*+]{_VALUE})*+"
_SUMS = rf"{_SUM}(?:,{_SUM})*+"
_TEST = rf"N?+{_SUM}(?:={_SUM}|N?+B{_SUM}&{_SUM}|N?+I\({_SUMS}\)|N?+Ls|YN?+0)?+"
_TESTS = rf"{_TEST}(?:[&|]{_TEST})*+"
_COUNTED = r"c\((?:\*|D?+n(?:\.n)?+)\)"
_INNERMOST = re.compile(
    rf"{_COUNTED}|o\(\)|g\({_SUM}\)|f\((?:{_SUMS})?+\)|(?<![a-zIVTJ?])\({_TESTS}\)",
)
"""A call, or conditions in parentheses, with nothing of the kind inside: it is one value, ``v``."""

_TABLE = r"n(?:\.n)?+(?:an)?+"
_ITEM = rf"(?:\*|{_TESTS}(?:an)?+)"
_KEYS = rf"{_SUM}d?+(?:,{_SUM}d?+)*+"
_READ = re.compile(
    rf"SD?+{_ITEM}(?:,{_ITEM})*+"
    rf"(?:F{_TABLE}(?:W{_TESTS})?+(?:Gb{_SUMS})?+(?:H{_TESTS})?+(?:Ob{_KEYS})?+(?:M#)?+(?:X#)?+)?+"
)
_SOME_ROWS = rf"Wn=[sp#](?:&{_TEST})*+"
"""Conditions that all must hold, the first of them of a column and a figure or text: they tell rows apart."""

_ROW = rf"\({_SUMS}\)"
_UPDATE = rf"UnTn={_SUM}(?:,n={_SUM})*+"
_WRITES = (
    (re.compile(_UPDATE + _SOME_ROWS), Verdict(Effect.CHANGE, "UPDATE changes the rows that match")),
    (re.compile(_UPDATE), Verdict(Effect.DESTROY, "UPDATE of every row overwrites what they held")),
    (re.compile(rf"EFn{_SOME_ROWS}"), Verdict(Effect.CHANGE, "DELETE removes the rows that match")),
    (re.compile(r"EFn"), Verdict(Effect.DESTROY, "DELETE without WHERE removes every row")),
    (re.compile(rf"RJn\(n(?:,n)*+\)V{_ROW}(?:,{_ROW})*+"), Verdict(Effect.CHANGE, "INSERT writes rows")),
)
_ADDS = Verdict(Effect.CHANGE, "ALTER TABLE adds a column")
_SHOWN = re.compile(rf"{_COUNTED}|an|(?:n\.)?+(?P<column>n)|(?:^SD?+|,)(?P<all>\*)")

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LITERAL = re.compile(r"'[^'\\]*'|[0-9]{1,15}(?:\.[0-9]{1,15})?|\$[0-9]{1,5}")
_COLUMN_NAME = r"([a-z_][a-z0-9_]{0,62})"
_ADDED = re.compile(
    rf"alter table (?:if exists )?+{_COLUMN_NAME} add column (?:if not exists )?+{_COLUMN_NAME} "
    r"(?:bigint|boolean|date|int|integer|json|jsonb|smallint|text|timestamp|timestamptz|uuid"
    r"|varchar(?: \( [0-9]{1,5} \))?+)"
    r"(?: not null)?+(?: default (?:'[^'\\]*'|[0-9]{1,15}|true|false|null|now \( \)))?+"
    rf"(?: references {_COLUMN_NAME} \( {_COLUMN_NAME} \))?+"
)
"""The tokens, a blank between two, of an ALTER TABLE that adds one column."""

_SPAN = re.compile(r"'[0-9]{1,9} [a-z]{1,20}'")
_NOT_PLAIN = re.compile(r"--|/\*|[\f\v]|[^\x00-\x7f]")
_ONE_VALUE = frozenset({"sum", "avg", "min", "max"})
_NO_NAMES = frozenset({"only", "rows", "columns", "sample"})
"""Names that mean something to the parser in some places, although it has no tokens for them."""


def shows_persons(text: str, found: Sequence[Token]) -> bool | None:
    """Whether the rows of the usual query that ``found`` are the tokens of are of persons, as
    :func:`hutch.effect.sqltree.personal` says it; None where it is no usual query."""
    letters = _letters(text, found)
    if letters is None or not _READ.fullmatch(_without_calls(letters)):
        return None
    end = letters.find("F")
    items = letters if end < 0 else letters[:end]
    shown = ["*" if m["all"] else found[m.start("column")].text for m in _SHOWN.finditer(items) if m.lastgroup]
    return tell_of_persons(shown, [] if end < 0 else [_table(letters, found, end + 1)])


def _table(letters: str, found: Sequence[Token], at: int) -> str:
    """The table that is named at ``at``, without its schema."""
    return found[at + 2 if letters.startswith("n.", at) else at].text


def write(text: str, found: Sequence[Token]) -> Verdict | None:
    """What the usual INSERT, UPDATE, DELETE or added column does, as the tree says it; None where it is none."""
    if found[0].text == "alter":
        return _ADDS if _adds_column(text, found) else None
    letters = _letters(text, found)
    plain = _without_calls(letters) if letters else ""
    return next((verdict for pattern, verdict in _WRITES if pattern.fullmatch(plain)), None)


def _adds_column(text: str, found: Sequence[Token]) -> bool:
    if len(found) > MOST_TOKENS or _NOT_PLAIN.search(text, found[0].start, found[-1].end):
        return False
    shape = _ADDED.fullmatch(" ".join(token.text for token in found))
    return shape is not None and all(_word(name, called=False) == "n" for name in shape.groups() if name)


def _letters(text: str, found: Sequence[Token]) -> str | None:
    """One letter for each token; None for a text with signs that are in no usual statement."""
    if len(found) > MOST_TOKENS or _NOT_PLAIN.search(text, found[0].start, found[-1].end):
        return None
    ahead = [*(token.text for token in found[1:]), ""]
    return "".join(map(_letter, found, ahead, ["", *(token.text for token in found)]))


def _letter(token: Token, following: str, before: str) -> str:
    if token.kind == "name":
        return _word(token.text, called=following == "(" and before != "into")
    if token.kind in _KINDS:
        fits = _SPAN if before == "interval" else _LITERAL
        return _KINDS[token.kind] if fits.fullmatch(token.text) else _OTHER
    return _SIGNS.get(token.text, _OTHER)


@lru_cache(maxsize=4096)
def _word(name: str, *, called: bool) -> str:
    if name in _WORDS:
        return _WORDS[name]
    if not _NAME.fullmatch(name) or name in _taken():
        return _OTHER
    return _call(name) if called else "n"


def _call(name: str) -> str:
    """A call by what may stand in its parentheses: of ``count``, nothing, one value, or any that the parser takes."""
    if name in ("count", "now"):
        return name[0] if name == "count" else "o"
    if name in _ONE_VALUE:
        return "g"
    return "n" if name.upper() in PostgresParser.FUNCTIONS else "f"


@lru_cache(maxsize=1)
def _taken() -> frozenset[str]:
    """The words that the parser does not take for mere names everywhere."""
    keywords = [word for key in Dialect.get_or_raise("postgres").tokenizer_class.KEYWORDS for word in key.split()]
    special = [*PostgresParser.FUNCTION_PARSERS, *PostgresParser.NO_PAREN_FUNCTION_PARSERS]
    return _NO_NAMES.union(word.lower() for word in (*keywords, *special))


def _without_calls(letters: str) -> str:
    """With every call and every condition in parentheses as one value, from the inside out."""
    for _ in range(DEEPEST):
        shorter = _INNERMOST.sub("v", letters)
        if shorter == letters:
            break
        letters = shorter
    return letters

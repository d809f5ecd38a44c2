"""Values into SQL: bound parameters where a value stands, quoted names where a name stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.runbook import Placeholder, Rendered
from hutch.runbook import sql_lex
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholder_words import words_of
from hutch.runbook.sql_lex import Token

BINDABLE = words_of("select insert update delete with merge values explain")
"""Statements that take parameters; Postgres takes none in any other (``SET``, ``ALTER`` …)."""

NAME_AFTER = words_of(
    "from join table into update index analyze vacuum only concurrently exists column role user database schema"
    " reindex view sequence extension full verbose"
)
"""Keywords that a name follows."""

TYPED = words_of("interval timestamp timestamptz date time timetz inet cidr uuid numeric json jsonb regclass")
"""Types written before a literal: ``interval '[N] minutes'`` takes no parameter there, ``%s::interval`` does."""

_CLOSED = {"escape": "an E'…' string", "dollar": "a $$ string", "meta": "a psql command", "data": "COPY's data"}
_INTERVAL_FIELDS = words_of("year month day hour minute second")
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the statement and what replaces it: a parameter's value with its cast, or a quoted name."""

    start: int
    end: int
    value: str
    cast: str = ""
    name: bool = False

    @property
    def shown(self) -> str:
        """As it stands in the text for people."""
        return self.value if self.name else "'" + self.value.replace("'", "''") + "'" + self.cast

    @property
    def bound(self) -> str:
        """As it stands in the SQL that runs."""
        return self.value.replace("%", "%%") if self.name else f"%s{self.cast}"


def render(text: str, placeholders: Sequence[Placeholder], values: Mapping[str, str]) -> Rendered:
    """``text`` with ``values`` (by placeholder name) as parameters.

    Raises :class:`RunbookError` where Postgres takes no parameter.
    """
    tokens = [*sql_lex.tokens(text)]
    starts = [t.start for t in tokens]
    groups: dict[int, list[Placeholder]] = {}
    for one in placeholders:
        groups.setdefault(bisect_right(starts, one.start) - 1, []).append(one)
    edits = [
        _edit(text, tokens, at, group, values)
        for at, group in groups.items()
        if all(one.name in values for one in group)
    ]
    params = tuple(edit.value for edit in edits if not edit.name)
    shown = "".join(_pieces(text, edits, bound=False, double=False))
    sql = "".join(_pieces(text, edits, bound=True, double=True)) if params else shown
    return Rendered(shown, sql, params)


def _pieces(text: str, edits: Sequence[Edit], *, bound: bool, double: bool) -> Iterator[str]:
    at = 0
    for edit in edits:
        yield text[at : edit.start].replace("%", "%%" if double else "%")
        yield edit.bound if bound else edit.shown
        at = edit.end
    yield text[at:].replace("%", "%%" if double else "%")


def _edit(text: str, tokens: Sequence[Token], at: int, group: Sequence[Placeholder], values: Mapping[str, str]) -> Edit:
    token = tokens[at]
    named = ", ".join(f"[{one.name}]" for one in group)
    if token.kind == "name":
        return Edit(token.start, token.end, _filled(text, token, group, values, '"'), name=True)
    if token.kind == "string":
        return _literal(text, tokens, at, group, values)
    if token.kind not in {"word", "op"}:
        raise RunbookError(
            f"{named} stands in {_CLOSED.get(token.kind, token.kind)}, which takes no values; write that part out"
        )
    return _bare(text, tokens, at, group[0], values[group[0].name])


def _filled(text: str, token: Token, group: Sequence[Placeholder], values: Mapping[str, str], quote: str) -> str:
    """The token's text with each value in its place, quotes in the values doubled."""
    kept, at = [], token.start
    for one in group:
        kept += [text[at : one.start], values[one.name].replace(quote, quote * 2)]
        at = one.end
    return "".join((*kept, text[at : token.end]))


def _literal(
    text: str, tokens: Sequence[Token], at: int, group: Sequence[Placeholder], values: Mapping[str, str]
) -> Edit:
    """A string with placeholders in it becomes one parameter, its own text included."""
    token = tokens[at]
    if text[token.start] != "'" or not _closes(text, token):
        raise RunbookError(f"[{group[0].name}] stands in a string that takes no values; write it as a plain '…'")
    value = _filled(text, token, group, values, "'")[1:-1].replace("''", "'")
    before, after = _neighbour(text, tokens, at, -1), _neighbour(text, tokens, at, 1)
    typed = before[1] if before[0] >= 0 else ""
    if typed == "zone" or after[1] in _INTERVAL_FIELDS:
        raise RunbookError(f"[{group[0].name}] stands in a literal of a compound type; write CAST('…' AS type)")
    if typed in TYPED:
        return Edit(tokens[before[0]].start, token.end, value, f"::{typed}")
    return Edit(token.start, token.end, value, "")


def _closes(text: str, token: Token) -> bool:
    return token.end - token.start >= len("''") and text[token.end - 1] == "'"


def _neighbour(text: str, tokens: Sequence[Token], at: int, step: int) -> tuple[int, str]:
    """The next token before or after ``at`` that is no white space, with its text in lower case."""
    at += step
    while 0 <= at < len(tokens) and tokens[at].kind in {"space", "comment"}:
        at += step
    return (at, text[tokens[at].start : tokens[at].end].lower()) if 0 <= at < len(tokens) else (-1, "")


def _bare(text: str, tokens: Sequence[Token], at: int, one: Placeholder, value: str) -> Edit:
    """A placeholder in the code itself: a name after FROM, TABLE … or a dot, a value anywhere else."""
    previous = _neighbour(text, tokens, at, -1)[1]
    around = text[max(0, one.start - 1) : one.start] + text[one.end : one.end + 1]
    if "." in around or previous in NAME_AFTER:
        if re.search(r"[\w$]", around):
            raise RunbookError(f"[{one.name}] is a part of a name; write the whole name as one placeholder")
        return Edit(one.start, one.end, _name(one, value), name=True)
    if re.search(r"[\w$%]", around):
        raise RunbookError(f"[{one.name}] touches other text; write it as a value of its own")
    head = next((text[t.start : t.end].lower() for t in tokens if t.kind not in {"space", "comment"}), "")
    if head not in BINDABLE:
        raise RunbookError(f"{head.upper()} takes no parameters, so [{one.name}] cannot be given; write the value out")
    return Edit(one.start, one.end, value)


def _name(one: Placeholder, value: str) -> str:
    parts = value.split(".")
    if len(parts) > _PARTS or not all(parts):
        raise RunbookError(f"the value of [{one.name}] is not a name; give name or schema.name")
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)

"""Reads plans: which tables a statement goes through row by row, and by which columns it looks for rows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_NAME = r'(?:[a-z_][\w$]*|"(?:[^"]|"")+")'
_COLUMN = rf"(?P<open>\()?(?P<alias>{_NAME})\.(?P<column>{_NAME})(?(open)\)(?P<cast>::text))"
_OPERAND = re.compile(rf"(?:(?P<function>lower|upper)\()?{_COLUMN}(?(function)\))")
_COMPARED = re.compile(rf"{_OPERAND.pattern} (?P<operator>=|<|>|<=|>=) (?P<value>.+)", re.S)
_SORTED = re.compile(rf"{_OPERAND.pattern}(?P<descending> DESC)?")
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[()]| AND |.", re.S)
_THROUGH = ("Gather", "Gather Merge", "Limit", "LockRows", "Result")

Plan = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Key:
    """A column that an index would begin with, or lower() or upper() of it. ``cast``: the statement takes it as text,
    which changes nothing for a varchar, and everything for a number."""

    column: str
    function: str = ""
    descending: bool = False
    cast: bool = False

    def __str__(self) -> str:
        named = f"{self.function}({self.column})" if self.function else self.column
        return f"{named} DESC" if self.descending else named


@dataclass(frozen=True, slots=True)
class Scan:
    """A table read row by row with a filter; ``rows`` is how many the planner expects to be left over."""

    schema: str
    table: str
    rows: float
    keys: tuple[Key, ...]


def qualified(schema: str, name: str) -> str:
    """A name with its schema, unless that is ``public``."""
    return name if schema == "public" else f"{schema}.{name}"


def scans(plan: Plan) -> list[Scan]:
    """The filtered sequential scans of a plan (EXPLAIN's VERBOSE JSON) that an index could stand in for."""
    return list(_scans(plan, (), 0))


def indexes_used(plan: Plan) -> set[str]:
    """The names of the indexes that a plan reads."""
    own = {str(plan["Index Name"])} if "Index Name" in plan else set()
    return own.union(*(indexes_used(child) for child in _children(plan)))


def _scans(node: Plan, order: Sequence[str], workers: int) -> Iterator[Scan]:
    kind = node.get("Node Type")
    if kind == "Seq Scan" and (keys := _keys(str(node.get("Filter", "")), str(node["Alias"]), order)):
        many = workers + 1 if node.get("Parallel Aware") else 1
        rows = float(str(node["Plan Rows"])) * many
        yield Scan(str(node.get("Schema", "")), str(node["Relation Name"]), rows, keys)
    if kind in ("Sort", "Incremental Sort"):
        order = _texts(node.get("Sort Key"))
    elif kind not in _THROUGH:
        order = ()
    for child in _children(node):
        yield from _scans(child, order, int(str(node.get("Workers Planned", workers))))


def _children(node: Plan) -> list[Plan]:
    listed = node.get("Plans", ())
    return [child for child in listed if isinstance(child, Mapping)] if isinstance(listed, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _keys(condition: str, alias: str, order: Sequence[str]) -> tuple[Key, ...]:
    """Equality first, then the order that is asked for, else one range."""
    compared = [found for part in conjuncts(condition) if (found := _compared(part, alias))]
    equal = list(dict.fromkeys(key for key, operator in compared if operator == "="))
    ranges = [key for key, operator in compared if operator != "=" and key not in equal]
    names = {(key.column, key.function) for key in equal}
    wanted = [key for key in _order(order, alias) if (key.column, key.function) not in names] if equal else []
    return (*equal, *(wanted or ranges[:1]))


def _compared(part: str, alias: str) -> tuple[Key, str] | None:
    found = _COMPARED.fullmatch(part)
    if found is None or _plain(found["alias"]) != alias or _mentions(found["value"], found["alias"]):
        return None
    return _key(found), found["operator"]


def _mentions(value: str, alias: str) -> bool:
    """Whether the other side is of the same row: then no index can look it up."""
    return re.search(rf'(?<![\w".]){re.escape(alias)}\.', value) is not None


def _key(found: re.Match[str], descending: bool = False) -> Key:
    return Key(_plain(found["column"]), found["function"] or "", descending, bool(found["cast"]))


def _order(order: Sequence[str], alias: str) -> list[Key]:
    """The order as keys of an index; none when it goes by anything else than this table's columns.

    One direction for all is left out: an index is read backwards as well as forwards.
    """
    found = [_SORTED.fullmatch(_bare(key)) for key in order]
    if not all(match and _plain(match["alias"]) == alias for match in found):
        return []
    matches = [match for match in found if match]
    mixed = len({bool(match["descending"]) for match in matches}) > 1
    return [_key(match, mixed and bool(match["descending"])) for match in matches]


def conjuncts(condition: str) -> list[str]:
    """The parts of a condition that must all hold.

    >>> conjuncts("((t.a = $1) AND ((t.b)::text = 'x AND y') AND ((t.c = 1) OR (t.d = 2)))")
    ['t.a = $1', "(t.b)::text = 'x AND y'", '(t.c = 1) OR (t.d = 2)']
    """
    parts, depth = [""], 0
    for piece in _PIECE.findall(_bare(condition)):
        depth += (piece == "(") - (piece == ")")
        if piece == " AND " and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [_bare(part) for part in parts] if len(parts) > 1 else parts


def _bare(text: str) -> str:
    """Without the parentheses around the whole."""
    depth = 0
    pieces = _PIECE.findall(text)
    if not pieces or pieces[0] != "(":
        return text
    for place, piece in enumerate(pieces):
        depth += (piece == "(") - (piece == ")")
        if not depth:
            return _bare("".join(pieces[1:-1])) if place == len(pieces) - 1 else text
    return text


def _plain(name: str) -> str:
    """A name without the quotes that the server puts around it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

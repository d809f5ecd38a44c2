"""What a SQL statement can do. Default-deny: it is a read only if its tokens and its tree both say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from sqlglot import exp

from hutch.effect import sqlplain, sqltree
from hutch.effect.backslash import classify_backslash
from hutch.effect.commands import judge_by_words
from hutch.effect.sqlshape import harms
from hutch.effect.sqlwords import LIMIT, Alien, Token, statements, tokens
from hutch.effect.tables import words
from hutch.model.effect import Effect, Verdict, worst

_QUERY = frozenset({"select", "with", "values", "table", "("})
NO_PARSER = "cannot be parsed beside sqlglotc: uninstall that"
_TREE_JUDGED = frozenset({"delete", "update", "insert", "merge", "alter", "truncate"})


def classify_sql(text: str) -> Verdict:
    """The effect of a statement; of several, the worst, and the ``why`` says that there are several."""
    return _judged(text).told()


def _judged(text: str) -> Verdict:
    if len(text) > LIMIT or len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        return _change("longer than 64 kB, so not looked into")
    if _BACKSLASH_LINE.search(text):
        return _script(text) if "\n" in text.strip() else classify_backslash(text)
    if any(mark in text for mark in ("{{", "{%", "{#")):
        return _raised(text, "holds template marks, which a parser may drop")
    try:
        parts = statements(tokens(text))
    except Alien as odd:
        return _raised(text, f"holds {odd}")
    if not parts:
        return Verdict(Effect.NONE, "nothing to run")
    try:
        verdicts = [_one(text, part) for part in parts]
    except RecursionError:
        return _raised(text, "is nested too deep to be looked into")
    total = worst(verdicts)
    if len(parts) > 1:
        total = replace(total, why=f"{len(parts)} statements, the worst: {total.why}")
    return total


_BACKSLASH_LINE = re.compile(r"^[ \t]*\\", re.MULTILINE)


def _script(text: str) -> Verdict:
    """What psql is sent as lines: statements, and backslash commands between them that have a line of their own."""
    found: list[Verdict] = []
    waiting: list[str] = []
    for line in text.split("\n"):
        if not _BACKSLASH_LINE.match(line):
            waiting.append(line)
            continue
        if not _complete("\n".join(waiting)):
            return _raised(text, "holds a psql backslash command inside a statement")
        found += [classify_sql("\n".join(waiting)), classify_backslash(line)]
        waiting = []
    return worst([*found, classify_sql("\n".join(waiting))])


def _complete(text: str) -> bool:
    """Whether psql has sent all of it: it is blank, or ends with a semicolon."""
    try:
        found = tokens(text)
    except Alien:
        return False
    return not found or found[-1].text == ";"


def _raised(text: str, why: str) -> Verdict:
    """The verdict of a text that cannot be read: change, or destroy where its plain words say so."""
    match = re.search(r"\b(drop|truncate)\b", text, re.IGNORECASE)
    if match:
        return Verdict(Effect.DESTROY, f"has {match.group().upper()} in it and {why}")
    return _change(why)


def _tree(text: str, found: Sequence[Token]) -> exp.Expr | None:
    """The tree of the statement that ``found`` are the tokens of; they know where in ``text`` they stand."""
    return sqltree.parse(text[found[0].start : found[-1].end])


def _one(text: str, found: Sequence[Token]) -> Verdict:
    first = found[0].text
    if first in _QUERY:
        return _query(text, found)
    if first == "explain":
        return _explain(text, found)
    if first == "show":
        return _show(found)
    if first == "copy":
        return _copy(text, found)
    by_words = judge_by_words(found)
    if first not in _TREE_JUDGED:
        return by_words
    return _by_tree(text, found, by_words)


def _query(text: str, found: Sequence[Token]) -> Verdict:
    harm = harms(found)
    if harm is not None and not _writes_in_cte(found):
        return replace(harm, sensitive=_personal(text, found))
    if harm is None and (usual := sqlplain.shows_persons(text, found)) is not None:
        return _read(found, usual)
    tree = _tree(text, found)
    if tree is None:
        return harm or _change("cannot be parsed, so unknown" if sqltree.PARSES else NO_PARSER)
    if harm is not None:
        return worst([*sqltree.written(tree), harm])
    odd = sqltree.stranger(tree)
    if odd is not None:
        return _change(f"holds {odd}, which is not known to only read")
    return _read(found, sqltree.personal(tree))


def _read(found: Sequence[Token], shows_persons: bool) -> Verdict:
    called = any(token.text == "(" for token in found)
    why = "SELECT with only functions that read" if called else "SELECT that only reads"
    if found[0].text in ("values", "table"):
        why = f"{found[0].text.upper()} only reads"
    personal = shows_persons or _names_secret(found)
    return Verdict(Effect.READ, f"{why}; it shows rows of persons or secrets" if personal else why, personal)


def _names_secret(found: Sequence[Token]) -> bool:
    """Whether a secret setting is named, or a field of JSON as personal columns are."""
    settings, columns = words("sql", "personal", "settings"), words("sql", "personal", "columns")
    for before, token in pairwise(found):
        name = token.text.strip("'").lower() if token.kind == "string" else ""
        if name and (name in settings or (before.text in ("->", "->>") and name in columns)):
            return True
    return False


def _writes_in_cte(found: Sequence[Token]) -> bool:
    return any(t.kind == "name" and t.text in ("delete", "update", "insert", "merge") for t in found)


def _personal(text: str, found: Sequence[Token]) -> bool:
    usual = sqlplain.shows_persons(text, found)
    if usual is not None:
        return usual
    tree = _tree(text, found)
    return tree is not None and sqltree.personal(tree)


def _by_tree(text: str, found: Sequence[Token], otherwise: Verdict) -> Verdict:
    calls = [harm for harm in [harms(found, planned_only=True)] if harm]
    if not sqltree.PARSES:
        calls.append(_raised(text[found[0].start : found[-1].end], NO_PARSER))
    return worst([*(_written(text, found) or [otherwise]), *calls])


def _written(text: str, found: Sequence[Token]) -> list[Verdict]:
    if usual := sqlplain.write(text, found):
        return [usual]
    tree = _tree(text, found)
    return sqltree.written(tree) if tree is not None else []


def _show(found: Sequence[Token]) -> Verdict:
    names = [t.text for t in found[1:]]
    if not names or any(t.kind not in ("name", "quoted") and t.text != "." for t in found[1:]):
        return _change("a SHOW that cannot be read")
    secret = not words("sql", "personal", "settings").isdisjoint(names)
    return Verdict(Effect.READ, "SHOW reads a setting", sensitive=secret)


def _explain(text: str, found: Sequence[Token]) -> Verdict:
    options, rest = _explain_options(found)
    if options is None or not rest:
        return _change("EXPLAIN with options that cannot be read")
    inner = _one(text, rest)
    if options.get("analyze", "off") not in ("off", "false", "0"):
        return replace(inner, why=f"EXPLAIN ANALYZE runs it: {inner.why}")
    if inner.effect is Effect.READ:
        return Verdict(Effect.READ, "EXPLAIN only plans")
    if rest[0].text in ("delete", "update", "insert", "merge", "with") and harms(rest, planned_only=True) is None:
        return Verdict(Effect.READ, f"EXPLAIN without ANALYZE only plans the {rest[0].text.upper()}")
    return _change(f"EXPLAIN of what may run while it is planned: {inner.why}")


def _explain_options(found: Sequence[Token]) -> tuple[dict[str, str] | None, Sequence[Token]]:
    if len(found) > 1 and found[1].text == "(":
        close = next((i for i, t in enumerate(found) if t.text == ")"), 0)
        if (options := _option_list(found[2:close])) is not None:
            return options, found[close + 1 :]
        return ({}, found[1:]) if len(found) > 2 and found[2].text in _QUERY else (None, ())
    options = {}
    rest = list(found[1:])
    while rest and rest[0].text in ("analyze", "analyse", "verbose"):
        options[rest.pop(0).text.replace("analyse", "analyze")] = "on"
    return options, rest


def _option_list(found: Sequence[Token]) -> dict[str, str] | None:
    known, values = words("sql", "explain_options"), words("sql", "explain_values")
    options: dict[str, str] = {}
    groups: list[list[str]] = [[]]
    for token in found:
        if token.text == ",":
            groups.append([])
        else:
            groups[-1].append(token.text.strip("'").lower())
    for name, *value in groups if all(groups) else [[""]]:
        name = name.replace("analyse", "analyze")
        if name not in known or len(value) > 1 or not values.issuperset(value):
            return None
        options[name] = "on" if options.get(name, "off") == "on" else (value or ["on"])[0]
    return options


def _copy(text: str, found: Sequence[Token]) -> Verdict:
    """``COPY … TO STDOUT`` reads; any other COPY writes rows, a file or a program's input."""
    ends = [i for i, t in enumerate(found) if t.text == "to" and t.kind == "name"]
    tail = found[ends[-1] + 1 :] if ends else ()
    known = words("sql", "copy_words")
    if not tail or tail[0].text != "stdout" or any(t.kind == "name" and t.text not in known for t in tail[1:]):
        return _change("COPY from or to a file, a program or the client")
    source = found[1 : ends[-1]]
    if not source or source[-1].kind == "op":
        return _change("COPY of nothing known")
    if len(source) > 2 and source[0].text == "(":
        inner = _one(text, source[1:-1])
        return replace(inner, why=f"COPY of a query to the client: {inner.why}")
    relation = source[0].text if len(source) == 1 else source[2].text if len(source) > 2 else ""
    return Verdict(Effect.READ, "COPY to the client reads", sensitive=relation in words("sql", "personal", "tables"))


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)

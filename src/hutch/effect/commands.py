"""The harm of statements that are told by their first words: DROP, VACUUM, SET, GRANT …"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hutch.effect.sqlwords import Token
from hutch.effect.tables import reasons
from hutch.model.effect import Effect, Verdict

_KEEPS_DATA = frozenset({"index", "statistics"})


def judge_by_words(found: Sequence[Token]) -> Verdict:
    """The effect of a statement that is no query, by its words alone; unknown is a change."""
    texts = [t.text for t in found if t.kind == "name"]
    if found[0].kind != "name":
        return Verdict(Effect.CHANGE, "not a statement that is known")
    first = texts[0]
    if first == "drop":
        return _drop(texts)
    if first in ("delete", "update") and "where" not in texts:
        return Verdict(Effect.DESTROY, f"{first.upper()} without WHERE hits every row")
    if first == "do" and (word := _destroyer(found)):
        return Verdict(Effect.DESTROY, f"{first.upper()} with {word.upper()} in it")
    for size in (4, 3, 2):
        words = " ".join(texts[:size])
        if why := reasons("sql", "statements", "longer").get(words):
            return Verdict(Effect.CHANGE, f"{words.upper()} {why}")
    for effect in (Effect.DESTROY, Effect.CHANGE):
        if why := reasons("sql", "statements", effect.word).get(first):
            return Verdict(effect, f"{_title(texts)} {why}")
    return Verdict(Effect.CHANGE, f"{first.upper()} is not known to only read")


def _title(texts: Sequence[str]) -> str:
    """``CREATE INDEX``, ``REINDEX TABLE``; a name that is not a kind of object stays out."""
    kinds = ("index", "table", "view", "database", "function", "extension", "role", "system", "schema", "type")
    kind = next((t for t in texts[1:3] if t in kinds), "")
    return f"{texts[0]} {kind}".strip().upper()


def _drop(texts: Sequence[str]) -> Verdict:
    kind = texts[1] if len(texts) > 1 else ""
    if kind in _KEEPS_DATA and "cascade" not in texts:
        return Verdict(Effect.CHANGE, f"DROP {kind.upper()} removes what can be built again")
    return Verdict(Effect.DESTROY, f"DROP {kind.upper()} loses what it drops")


def _destroyer(found: Sequence[Token]) -> str | None:
    """A word of destruction anywhere in a block of code, its strings included."""
    match = re.search(r"\b(drop|truncate)\b", " ".join(t.text for t in found), re.IGNORECASE)
    return match.group() if match else None

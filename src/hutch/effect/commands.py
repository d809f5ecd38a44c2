"""The harm of statements that are told by their first words: DROP, VACUUM, SET, GRANT …"""

from __future__ import annotations

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
    if first in ("do", "create", "prepare", "execute") and (word := _destroyer(found)):
        return Verdict(Effect.DESTROY, f"{first.upper()} with {word.upper()} in it")
    for effect in (Effect.DESTROY, Effect.CHANGE):
        if why := reasons("sql", "statements", effect.word).get(first):
            return Verdict(effect, f"{first.upper()} {why}")
    return Verdict(Effect.CHANGE, f"{first.upper()} is not known to only read")


def _drop(texts: Sequence[str]) -> Verdict:
    kind = texts[1] if len(texts) > 1 else ""
    if kind in _KEEPS_DATA and "cascade" not in texts:
        return Verdict(Effect.CHANGE, f"DROP {kind.upper()} removes what can be built again")
    return Verdict(Effect.DESTROY, f"DROP {kind.upper()} loses what it drops")


def _destroyer(found: Sequence[Token]) -> str | None:
    """A word of destruction anywhere in the text, bodies of code included."""
    words = " ".join(t.text for t in found).lower().split()
    return next((w for w in ("drop", "truncate") if w in words), None)

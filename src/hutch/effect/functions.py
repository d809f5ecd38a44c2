"""What calling a Postgres function does, by its name (``data/functions.toml``)."""

from __future__ import annotations

from functools import cache

from hutch.effect.tables import reasons, table, words
from hutch.model.effect import Effect, Verdict


@cache
def readers() -> frozenset[str]:
    """Every function that a read may call, without those known by their prefix."""
    lists = [key for key in table("functions")["read"] if key != "prefixes"]
    return frozenset[str]().union(*(words("functions", "read", key) for key in lists))


def reads(name: str) -> bool:
    """Whether a function of Postgres with this (lower case) name only reads."""
    return name in readers() or name.startswith(tuple(words("functions", "read", "prefixes")))


def verdict_of(name: str) -> Verdict:
    """The effect of calling ``name``; unknown is a change."""
    for effect in (Effect.DESTROY, Effect.CHANGE):
        why = reasons("functions", effect.word).get(name)
        if why:
            return Verdict(effect, f"calls {name}, {why}")
    if reads(name):
        return Verdict(Effect.READ, f"calls {name}")
    return Verdict(Effect.CHANGE, f"calls {name}, which is not known to only read")

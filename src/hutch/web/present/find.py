"""What the palette finds, by words and in order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 12
"""Hits that are shown: as many as are looked through without scrolling."""

MOST_ASKED, MOST_WORDS = 200, 10
"""Characters and words of a question that are looked at."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that can be gone to: its sort, its name, where it is, and what else is said of it."""

    sort: str
    title: str
    href: str
    about: str = ""


def found(every: Iterable[Hit], asked: str) -> tuple[Hit, ...]:
    """Those that have all the words: a name that begins with them first, then one with a word that does, then the rest;
    equals stay in the given order.

    >>> [hit.title for hit in found([Hit("page", "On call", "/oncall"), Hit("page", "Calls", "/calls")], "call")]
    ['Calls', 'On call']
    """
    words = asked.casefold().split()[:MOST_WORDS]
    fits = [hit for hit in every if _has(hit, words)]
    return tuple(sorted(fits, key=lambda hit: _place(hit, " ".join(words))))[:MOST]


def _has(hit: Hit, words: list[str]) -> bool:
    said = f"{hit.sort} {hit.title} {hit.about}".casefold()
    return all(word in said for word in words)


def _place(hit: Hit, text: str) -> int:
    title = hit.title.casefold()
    if title.startswith(text):
        return 0
    return 1 if f" {text}" in title else 2

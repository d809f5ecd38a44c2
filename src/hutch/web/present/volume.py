"""A document that was read, and what the pages draw of it. Everything here takes time: not for the event loop."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from hutch.model.runbook import Document, Runbook
from hutch.runbook.visible import visible
from hutch.runbook.words import is_contents
from hutch.web.present import leaves, prose
from hutch.web.present import runbook as show

FRONT_CHARS = 20_000
"""Of the words before a document's first runbook, what the page shows."""

_ODD = re.compile(r"[\\\x00-\x1f\x7f]|^[A-Za-z][A-Za-z0-9+.-]*:|^/|^~")
_ANCHOR = re.compile(r"[\w-]{1,200}")


@dataclass(frozen=True, slots=True)
class Volume:
    """A document under its name: its lines, its link definitions, and how many findings lint has (None: not linted)."""

    name: str
    path: Path
    document: Document
    lines: list[str]
    references: Mapping[str, object]
    findings: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Head:
    """A heading of what is shown; ``depth`` counts from 1 below the runbook's own."""

    anchor: str
    title: str
    depth: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """One part of a runbook, ready for the page."""

    pieces: tuple[prose.Html | prose.Place, ...]
    cards: Mapping[int, show.Card]
    part: int
    parts: int
    heads: tuple[Head, ...]


def draw(
    volume: Volume,
    runbook: Runbook,
    known: Mapping[str, Path],
    seen: show.Survey | None,
    part: int,
) -> Drawn:
    """The ``part`` (from 1) of a runbook that a page shows."""
    lines = volume.lines
    parts = leaves.leaves(runbook, leaves.extent(volume.document, runbook.line, lines), lines)
    number = min(max(part, 1), len(parts))
    leaf = parts[number - 1]
    steps = frozenset(s.line for _, s in runbook.steps() if s.line in leaf and show.has_card(s))
    named = {n: a for n, a in leaves.anchors(volume.document, runbook, lines).items() if n in leaf}
    lead = addresses(volume, known, frozenset(named.values()))
    level = leaves.level(runbook, lines)
    title = runbook.line if level else 0
    text = leaf.text(lines)
    asked = prose.Slice(text, leaf.first, steps, show.roles(runbook), named, level or 1, title, volume.references)
    cards = show.cards(runbook, steps, seen, lead)
    return Drawn(prose.render(asked, lead), cards, number, len(parts), _heads(runbook, named))


def _heads(runbook: Runbook, named: Mapping[int, str]) -> tuple[Head, ...]:
    return tuple(
        Head(prose.PREFIX + named[s.line], visible(s.title), len(s.path) - 1)
        for s in runbook.sections
        if s.line in named
    )


def front(volume: Volume, known: Mapping[str, Path]) -> list[prose.Html | prose.Place]:
    """The words of a document that belong to no runbook, but for its table of contents: the page is one."""
    found: list[prose.Html | prose.Place] = []
    room = FRONT_CHARS
    for section in volume.document.front:
        text = leaves.extent(volume.document, section.line, volume.lines).text(volume.lines)[:room]
        if not is_contents(section.title) and text.strip():
            room -= len(text)
            title = section.line if section.title == volume.document.title else 0
            part = prose.Slice(text, section.line, title=title, references=volume.references)
            found += prose.render(part, addresses(volume, known))
    return found


def within(volume: Volume, runbook: Runbook, anchor: str) -> str:
    """The address of a heading inside a runbook."""
    whole = leaves.extent(volume.document, runbook.line, volume.lines)
    named = leaves.anchors(volume.document, runbook, volume.lines)
    line = next((n for n, a in named.items() if a == anchor), whole.first)
    parts = leaves.leaves(runbook, whole, volume.lines)
    number = next((n for n, leaf in enumerate(parts, 1) if line in leaf), 1)
    query = f"?part={number}" if number > 1 else ""
    return f"{show.address(volume.name, runbook.id)}{query}#{prose.PREFIX}{anchor}"


def addresses(volume: Volume, known: Mapping[str, Path], here: frozenset[str] = frozenset()) -> Callable[[str], str]:
    """Where relative links of a document lead on our pages: to anchors of what is shown (``here``), to its other
    runbooks, and to other known documents. Anywhere else they lead nowhere: no path of a document is ever opened."""
    by_path = {str(path): name for name, path in known.items()}

    def lead(url: str) -> str:
        where, _, raw = url.partition("#")
        anchor, target = unquote(raw), unquote(where.partition("?")[0])
        plain = bool(_ANCHOR.fullmatch(anchor))
        if not where:
            return _own(volume, anchor, here) if plain else ""
        if _ODD.search(target):
            return ""
        name = by_path.get(os.path.normpath(volume.path.parent / target), "")
        return show.address(name, anchor if plain else "") if name else ""

    return lead


def _own(volume: Volume, anchor: str, here: frozenset[str]) -> str:
    if anchor not in here and volume.document.find(anchor):
        return show.address(volume.name, anchor)
    return f"#{prose.PREFIX}{anchor}"

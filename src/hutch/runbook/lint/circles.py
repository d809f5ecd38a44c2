"""The rule about sub-runbooks: following them must come to an end, across documents too."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import PurePath
from urllib.parse import unquote

from hutch.model.runbook import Link
from hutch.runbook.links import cycles
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Place, place_of

MOST_RUNBOOKS = 1000
"""Runbooks that are followed from one document."""

MOST_CIRCLES = 20
"""Circles of one document that are told of."""


def circular(page: Page) -> Iterator[Hit]:
    """A sub-runbook that leads back to the runbook it is a step of."""
    steps = [(book, step) for book in page.document.runbooks for _, step in book.steps() if step.link]
    if not steps:
        return
    map_ = _Map(page)
    circles = cycles(map_.graph([book.id for book, _ in steps]))[:MOST_CIRCLES]
    lines = {
        (map_.node(map_.own, book.id), map_.target(map_.own, step.link)): step.line
        for book, step in reversed(steps)
        if step.link
    }
    for circle in circles:
        line = next((lines[pair] for pair in pairwise(circle) if pair in lines), 0)
        if line:
            shown = " → ".join(one.removeprefix(map_.own) for one in circle)
            yield Hit(line, f"leads back to where it began: {shown}; take one of these links out of the steps")


class _Map:
    """Which runbook leads where; a runbook is ``document.md#id``, seen from the document that is looked at."""

    def __init__(self, page: Page) -> None:
        self.own = PurePath(page.document.source).name
        self._place = page.surroundings.resolve
        self._mine = place_of(page.document)

    @staticmethod
    def node(path: str, ident: str) -> str:
        return f"{path}#{ident}"

    def graph(self, starts: Iterable[str]) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        waiting = deque(self.node(self.own, ident) for ident in starts)
        while waiting and len(found) < MOST_RUNBOOKS:
            node = waiting.popleft()
            if node not in found:
                path, _, ident = node.rpartition("#")
                place = self._at(path)
                links = place.leads.get(ident, ()) if place else ()
                found[node] = [target for link in links if (target := self.target(path, link))]
                waiting.extend(found[node])
        return {node: [t for t in targets if t in found] for node, targets in found.items()}

    def target(self, source: str, link: Link) -> str:
        """Where a link in the document ``source`` leads; empty where there is no such runbook."""
        address = unquote(link.document)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), address)) if address else source
        place = self._at(path)
        if place is None or place.anchors is None:
            return ""
        ident = place.anchors.get(unquote(link.anchor), "") if link.anchor else place.only
        return self.node(path, ident) if ident else ""

    def _at(self, path: str) -> Place | None:
        return self._mine if path == self.own else self._place(path)

"""A document's lines cut into what one page shows: one runbook, and of a very long one a part of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hutch.model.runbook import Document, Runbook
from hutch.runbook.anchors import slug
from hutch.runbook.blocks import plain

MOST_STEPS = 50
MOST_CHARS = 60_000
"""What one page shows at most; past twice as much a part ends in the middle of a section, if need be."""

_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r"```|~~~")


@dataclass(frozen=True, slots=True)
class Leaf:
    """Lines ``first`` to ``last`` (from 1, both included) of a document."""

    first: int
    last: int

    def __contains__(self, line: int) -> bool:
        return self.first <= line <= self.last

    def text(self, lines: Sequence[str]) -> str:
        """Its own of the document's lines."""
        return "\n".join(lines[self.first - 1 : self.last])


def body(text: str, document: Document) -> list[str]:
    """The lines of a document, its front matter (where it has one) left blank: it was read as such."""
    lines = text.split("\n")
    if document.meta and lines[0].rstrip() in ("---", "+++"):
        ends = {lines[0].rstrip(), "..."}
        end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in ends), -1)
        lines[: end + 1] = [""] * (end + 1)
    return lines


def extent(document: Document, line: int, lines: Sequence[str]) -> Leaf:
    """From a heading's ``line`` to where the next runbook, chapter or part of the front begins."""
    starts = {one.line for group in (document.runbooks, document.chapters, document.front) for one in group}
    after = min((s for s in starts if s > line), default=len(lines) + 1)
    return Leaf(line, after - 1)


def level(runbook: Runbook, lines: Sequence[str]) -> int:
    """The level of a runbook's own heading; 0 where it has none: the document as a whole is the runbook."""
    line = lines[runbook.line - 1] if lines else ""
    found = _heading(lines, runbook.line)
    if not found:
        return 0
    words = _HEADING.sub("", line).strip().rstrip("#")
    return found if slug(plain(words)) == slug(runbook.title) else 0


def anchors(document: Document, runbook: Runbook, lines: Sequence[str]) -> dict[int, str]:
    """The anchors of the headings below a runbook's own, by line."""
    heads = {s.line: slug(s.title) for s in runbook.sections if _heading(lines, s.line) and s.path[1:]}
    left = deque(a for a, owner in document.anchors.items() if owner == runbook.id and a != runbook.id)
    return {line: found for line, wanted in heads.items() if (found := _next(left, wanted))}


def _next(left: deque[str], wanted: str) -> str:
    """The next anchor that this heading can have, and those before it are passed over; empty where none fits."""
    numbered = re.compile(rf"{re.escape(wanted or 'section')}(?:-\d+)?")
    at = next((n for n, anchor in enumerate(left) if numbered.fullmatch(anchor)), None)
    if at is None:
        return ""
    for _ in range(at):
        left.popleft()
    return left.popleft()


def _heading(lines: Sequence[str], line: int) -> int:
    """The level of the heading at ``line``; 0 where none is."""
    found = _HEADING.match(lines[line - 1])
    if found:
        return found.group().count("#")
    under = lines[line].strip() if line < len(lines) else ""
    return 0 if not under or set(under) - {under[0]} else {"=": 1, "-": 2}.get(under[0], 0)


def leaves(runbook: Runbook, whole: Leaf, lines: Sequence[str]) -> tuple[Leaf, ...]:
    """The parts of a runbook, each of a page's size, cut where a heading or a block begins."""
    return tuple(_cut(whole, lines, _ways(runbook, whole, lines), [step.line for _, step in runbook.steps()]))


def _ways(runbook: Runbook, whole: Leaf, lines: Sequence[str]) -> frozenset[int]:
    """Lines at which a block of the document's top level begins for certain."""
    headings = (s.line for s in runbook.sections if _HEADING.match(lines[s.line - 1]))
    fences = (step.line for _, step in runbook.steps() if _FENCE.match(lines[step.line - 1]))
    return frozenset(line for line in (*headings, *fences) if whole.first < line <= whole.last)


def _cut(whole: Leaf, lines: Sequence[str], ways: frozenset[int], steps: Sequence[int]) -> Iterator[Leaf]:
    first, chars, blocks = whole.first, 0, 0
    places = set(steps)
    for line in range(whole.first, whole.last + 1):
        full = chars > MOST_CHARS or blocks >= MOST_STEPS
        forced = chars > 2 * MOST_CHARS and not lines[line - 2].strip()
        if line > first and ((full and line in ways) or forced):
            yield Leaf(first, line - 1)
            first, chars, blocks = line, 0, 0
        chars += len(lines[line - 1]) + 1
        blocks += line in places
    yield Leaf(first, whole.last)

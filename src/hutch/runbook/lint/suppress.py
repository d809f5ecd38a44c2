"""What a document says not to be told: with the codes, where it holds, and the reason, which must be given.

``<!-- hutch-lint: ignore RB012 reason -->`` speaks of what begins right below it: a line, or a block as a whole; the
annotation ``{"hutch.lint":"ignore RB012 because …"}`` of its block.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.links import CODE_SPAN
from hutch.runbook.lint.page import Block, Page

KEY = "hutch.lint"
FORM = "write 'ignore CODE and the reason'"

_COMMENT = re.compile(r"<!--\s*hutch-lint:(?P<body>.*?)(?:-->|$)")
_IGNORE = re.compile(r"^ignore\s+(?P<codes>RB\d{3}(?:(?:\s*,\s*|\s+)RB\d{3})*)(?P<reason>.*)$")
_CODE = re.compile(r"RB\d{3}")
_REASON = re.compile(r"^\W*(?:because\b)?\W*(?P<words>\w.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """``codes`` are not reported from line ``first`` to ``last``; ``line`` is where that is said."""

    line: int
    codes: tuple[str, ...]
    first: int
    last: int


def suppressions(page: Page, known: frozenset[str]) -> Iterator[Suppression]:
    """Every suppression of the document that has the right form, with those of its codes that are ``known``."""
    for line, body, first, last in _said(page):
        found = _IGNORE.match(body)
        if found and _REASON.match(found["reason"]):
            yield Suppression(line, tuple(sorted(known & set(_CODE.findall(found["codes"])))), first, last)


def malformed(page: Page, known: frozenset[str]) -> Iterator[Hit]:
    """Suppressions that are none: without the form, without a reason, or of a code that does not exist."""
    for line, body, _, _ in _said(page):
        found = _IGNORE.match(body)
        if not found:
            yield Hit(line, f"not a suppression: {FORM}")
            continue
        if not _REASON.match(found["reason"]):
            yield Hit(line, f"a suppression without a reason: {FORM}")
        for code in sorted(set(_CODE.findall(found["codes"])) - known):
            yield Hit(line, f"there is no rule {code}; see hutch runbook lint --list")


def _said(page: Page) -> Iterator[tuple[int, str, int, int]]:
    """Line, words, and the first and last line that they speak of."""
    starts = [block.first for block in page.blocks]
    for line, text in page.prose():
        if "hutch-lint" in text and (found := _COMMENT.search(CODE_SPAN.sub("", text))):
            yield (line, found["body"].strip(), *_below(page, starts, line))
    for runbook in page.document.runbooks:
        for _, step in runbook.steps():
            if KEY in step.annotations:
                block = _block(page, starts, step.line)
                yield (step.line, step.annotations[KEY].strip(), block.first, block.last)


def _below(page: Page, starts: list[int], line: int) -> tuple[int, int]:
    following = line + 1
    while following <= len(page.lines) and not page.lines[following - 1].strip():
        following += 1
    block = _block(page, starts, following)
    return block.first, block.last


def _block(page: Page, starts: list[int], line: int) -> Block:
    """The block that begins on ``line``, or that line alone."""
    at = bisect_left(starts, line)
    return page.blocks[at] if at < len(starts) and starts[at] == line else Block(line, line)

"""What rules look at: the document, its lines, every statement where it stands, and what they may ask of outside."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from hutch.model.effect import Effect
from hutch.model.runbook import Document, Link, Runbook, Section, Statement, Step
from hutch.runbook.blocks import Kind, Mark
from hutch.runbook.lint.calls import Call, calls
from hutch.runbook.lint.sql import LONGEST, Sql, statements_of
from hutch.runbook.placeholders import SHELLS


@dataclass(frozen=True, slots=True)
class Place:
    """What a link leads to. ``anchors`` give the runbook that each belongs to (empty: none); they are None where it is
    no Markdown, so that none can be missed. ``leads`` are each runbook's links to sub-runbooks, ``only`` is the
    runbook of a document that holds one."""

    anchors: Mapping[str, str] | None = None
    leads: Mapping[str, Sequence[Link]] = field(default_factory=dict)
    only: str = ""


def place_of(document: Document, anchors: Iterable[str] = ()) -> Place:
    """A document as a place; ``anchors`` are those that it sets itself."""
    leads = {r.id: [step.link for _, step in r.steps() if step.link] for r in document.runbooks}
    only = document.runbooks[0].id if len(document.runbooks) == 1 else ""
    return Place({**dict.fromkeys(anchors, ""), **document.anchors}, {i: one for i, one in leads.items() if one}, only)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies outside of a document: today's date, and what a relative path leads to (None: nothing)."""

    today: date
    resolve: Callable[[str], Place | None]


@dataclass(frozen=True, slots=True)
class Said:
    """A statement with all that it stands in, the programs that it calls and the SQL in it."""

    runbook: Runbook
    section: Section
    step: Step
    statement: Statement
    calls: tuple[Call, ...] = ()
    sql: tuple[Sql, ...] = ()

    @property
    def line(self) -> int:
        """The line that it begins on."""
        return self.statement.line

    @property
    def effect(self) -> Effect:
        """What it can do."""
        return self.statement.verdict.effect if self.statement.verdict else Effect.NONE

    @property
    def changes(self) -> bool:
        """Whether it changes or destroys."""
        return self.effect >= Effect.CHANGE

    def words(self) -> str:
        """The words around it, in lower case: comments, headings down to it, the step's name."""
        return " ".join((*self.statement.comments, *self.section.path, self.step.name)).lower()


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a fenced or indented block, from 1, fences included; ``last`` is its last."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Page:
    """A document as the rules see it. ``lines`` are its source lines, ``code`` the numbers of those in blocks."""

    document: Document
    lines: tuple[str, ...]
    surroundings: Surroundings
    said: tuple[Said, ...] = ()
    blocks: tuple[Block, ...] = ()
    titles: frozenset[int] = frozenset()  # the lines of headings and labels
    code: frozenset[int] = frozenset()
    starts: tuple[int, ...] = ()  # the lines that runbooks and chapters begin on

    def by_runbook(self) -> Iterator[tuple[Runbook, tuple[Said, ...]]]:
        """Every runbook with its statements."""
        at = 0
        for runbook in self.document.runbooks:
            end = at + sum(len(step.statements) for _, step in runbook.steps())
            yield runbook, self.said[at:end]
            at = end

    def end_of(self, runbook: Runbook) -> int:
        """The last line of a runbook: the one before the next begins."""
        later = bisect_right(self.starts, runbook.line)
        return self.starts[later] - 1 if later < len(self.starts) else len(self.lines)

    def between(self, after: int, last: int) -> Iterator[tuple[int, str]]:
        """The lines after line ``after`` down to ``last``, with their numbers."""
        return ((number, self.lines[number - 1]) for number in range(after + 1, last + 1))

    def prose(self) -> Iterator[tuple[int, str]]:
        """The lines outside of blocks, with their numbers."""
        return ((n, line) for n, line in enumerate(self.lines, 1) if n not in self.code)


def page(document: Document, text: str, found: Sequence[Mark], surroundings: Surroundings) -> Page:
    """The page of a classified document whose text (line ends ``\\n``) is ``text``, with its marks."""
    lines = text.split("\n")
    blocks = tuple(Block(m.line + 1, m.end) for m in found if m.kind is Kind.BLOCK)
    return Page(
        document,
        tuple(lines),
        surroundings,
        tuple(_said(document)),
        blocks,
        frozenset(m.line + 1 for m in found if m.kind in {Kind.HEADING, Kind.LABEL}),
        frozenset(n for block in blocks for n in range(block.first, block.last + 1)),
        tuple(sorted({*(r.line for r in document.runbooks), *(c.line for c in document.chapters)})),
    )


def _without_angles(statement: Statement) -> str:
    """The text with ``<pod>`` as ``[pod]``: a placeholder, where a shell would see redirections."""
    text, at, parts = statement.text, 0, []
    for hole in statement.placeholders:
        if hole.text.startswith("<") and hole.start >= at:
            parts += [text[at : hole.start], "[", text[hole.start + 1 : hole.end - 1], "]"]
            at = hole.end
    return "".join((*parts, text[at:]))


def _said(document: Document) -> Iterator[Said]:
    for runbook in document.runbooks:
        for section, step in runbook.steps():
            for statement in step.statements:
                shell = step.lang in SHELLS and not statement.action and len(statement.text) <= LONGEST
                called = calls(_without_angles(statement)) if shell else ()
                sql = () if statement.action else statements_of(statement, step.lang, called)
                yield Said(runbook, section, step, statement, called, sql)

"""Marks -> a tree of headings and labels, each with its blocks and prose.

Headings nest by level, labels under the heading they stand in: an unnumbered label ends the one before it, a
numbered one ("Step 1", "Option 2") stands under the unnumbered label before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hutch.model.runbook import Role
from hutch.runbook.blocks import Kind, Mark
from hutch.runbook.words import CORE_ROLES, Title, read_title, role_of

LABEL, NUMBERED, LISTED = 7, 8, 10
"""Levels below the six of headings; labels in lists and quotes go deeper with their nesting."""


@dataclass(slots=True, eq=False)
class Node:
    """A heading or label under construction; ``line`` counts from 0. The root has level 0 and no title."""

    level: int
    title: Title
    line: int = 0
    role: Role | None = None
    children: list[Node] = field(default_factory=list)
    blocks: list[tuple[Mark, str]] = field(default_factory=list)  # each with the prose line just before it
    links: list[Mark] = field(default_factory=list)  # to other runbooks
    prose: list[str] = field(default_factory=list)
    anchor: str = ""

    @property
    def headings(self) -> list[Node]:
        """The children that are headings."""
        return [c for c in self.children if c.level < LABEL]

    @property
    def labels(self) -> list[Node]:
        """The children that are bold labels."""
        return [c for c in self.children if c.level >= LABEL]

    @property
    def numbered(self) -> bool:
        """Whether it is a step or an option of what stands above it."""
        return self.title.kind in {"step", "option"}

    @property
    def core(self) -> bool:
        """Whether it is a part of a runbook by its words."""
        return self.numbered or self.role in CORE_ROLES

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in document order."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))


def outline(marks: Iterable[Mark], lines: Sequence[str]) -> Node:
    """The tree of a document. Every line that is no mark's own becomes prose of the node it stands in."""
    root = Node(0, Title("", ""))
    stack = [root]
    at = 0
    for mark in marks:
        _add_prose(stack[-1], lines[at : mark.line])
        if mark.kind is Kind.CLOSE:
            _close(stack, mark)
        elif mark.kind is Kind.BLOCK:
            stack[-1].blocks.append((mark, _lead(lines, mark.line)))
        elif mark.kind is Kind.LINK:
            stack[-1].links.append(mark)
        else:
            _open(stack, mark)
        at = max(at, mark.end)
    _add_prose(stack[-1], lines[at:])
    return root


def _close(stack: list[Node], mark: Mark) -> None:
    """A list or quote ends: so do the labels inside it."""
    while stack[-1].level > LISTED + mark.level:
        stack.pop()


def _open(stack: list[Node], mark: Mark) -> None:
    title = read_title(mark.title)
    node = Node(0, title, mark.line, role_of(title.rest or title.text))
    node.level = mark.level if mark.kind is Kind.HEADING else _label_level(stack, node, mark.level)
    while stack[-1].level >= node.level:
        stack.pop()
    stack[-1].children.append(node)
    stack.append(node)


def _label_level(stack: Sequence[Node], node: Node, nesting: int) -> int:
    if nesting:
        return LISTED + nesting
    under_role = any(n.level == LABEL and not n.numbered and n.role in CORE_ROLES for n in stack)
    follows = node.numbered or (node.role is None and node.title.kind == "")
    return NUMBERED if under_role and follows else LABEL


def _add_prose(node: Node, lines: Sequence[str]) -> None:
    node.prose.extend(line for line in lines if line.strip() not in {"---", "***", "___"})


def _lead(lines: Sequence[str], before: int) -> str:
    """The line of words that introduces a block: the last one above it, if nothing else stands between."""
    above = [line.strip() for line in lines[max(0, before - 2) : before] if line.strip()]
    return "" if not above or above[-1].startswith("#") else above[-1]

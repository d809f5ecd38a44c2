"""Which headings are runbooks, which are chapters of runbooks, and which role each part has.

A ``##`` is a runbook, unless the headings below it are runbooks themselves: then it is a chapter. A document whose
``##`` are the parts of one runbook ("Symptoms", "Diagnosis", "Mitigation") is one runbook.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hutch.model.runbook import RUNNABLE, Role
from hutch.runbook.annotations import language
from hutch.runbook.outline import Node
from hutch.runbook.words import COLLECTION_ROLES, CORE_ROLES, STEP_ROLES, is_contents, is_remedy

REMEDIES = frozenset({Role.RESOLUTION, Role.RECOVERY})


@dataclass(frozen=True, slots=True)
class Part:
    """A section to be: its node, role, option number, and the titles down to it."""

    node: Node
    role: Role
    path: tuple[str, ...]
    option: int | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """A runbook to be. ``whole`` tells a runbook from a chapter's own blocks before its first runbook."""

    node: Node
    chapter: Node
    whole: bool = True


@dataclass(slots=True)
class Plan:
    """How a document is divided."""

    chapters: list[Node] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    front: list[Node] = field(default_factory=list)


def divide(root: Node) -> Plan:
    """Chapters, runbooks and front of the document under ``root``."""
    plan = Plan()
    only = root.headings[0] if len(root.headings) == 1 and root.headings[0].level == 1 else None
    top = only or root
    if not only and len(root.headings) > 1 and _is_one_runbook(root):
        plan.books.append(Book(root, root))
        return plan
    if only and (_is_one_runbook(only) or not only.headings):
        plan.chapters.append(only)
        plan.books.append(Book(only, only))
        _own(root, root, plan)
        return plan
    for node in (root,) if top is root else (root, top):
        _own(node, node, plan)
    for chapter in top.headings:
        if is_contents(chapter.title.text):
            plan.front.append(chapter)
        else:
            plan.chapters.append(chapter)
            _divide(chapter, chapter, plan)
    return plan


def _divide(node: Node, chapter: Node, plan: Plan) -> None:
    """Add the runbooks of ``node``: itself, or what it splits into. Headings nest at most six deep."""
    if not _splits(node):
        plan.books.append(Book(node, chapter))
        return
    _own(node, chapter, plan)
    for child in node.headings:
        _divide(child, chapter, plan)


def _own(node: Node, chapter: Node, plan: Plan) -> None:
    """What stands directly under a heading that is only divided: a runbook if it has blocks, else front matter."""
    labels = node.labels
    if node.blocks or any(n.blocks for label in labels for n in label.walk()):
        plan.books.append(Book(node, chapter, whole=False))
    elif node.title.text or any(line.strip() for line in node.prose) or labels:
        plan.front.append(node)


def _is_one_runbook(node: Node) -> bool:
    """Whether the headings right below the document's title are parts of one runbook."""
    units = sum(_is_unit(h) or _splits(h) for h in node.headings)
    return sum(h.core and not _is_unit(h) for h in node.headings) > units


def _splits(node: Node) -> bool:
    """Whether ``node`` is a chapter: most of its headings are runbooks, or all run something and none has a role."""
    kids = node.headings
    if node.role in COLLECTION_ROLES or not kids:
        return False
    units = sum(_is_unit(k) for k in kids)
    if units:
        return units > sum(k.core and not _is_unit(k) for k in kids)
    bare = node.role not in CORE_ROLES and all(k.role is None and not k.numbered for k in kids)
    return bare and len(kids) > 1 and all(_runs(k) for k in kids) and not any(c.core for c in node.children)


def _is_unit(node: Node) -> bool:
    """Whether a heading has the parts of a runbook below it; two kinds of them if its own words name a role."""
    if node.numbered:
        return False
    roles = {c.role for c in node.children if c.role in CORE_ROLES and not c.numbered}
    return len(roles) > (1 if node.role else 0)


def _runs(node: Node) -> bool:
    return any(language(mark.info) in RUNNABLE for n in node.walk() for mark, _ in n.blocks)


def parts(book: Book) -> Iterator[Part]:
    """The sections of a runbook in document order; the first is the runbook's own body, if it has one."""
    node = book.node
    own = node.role or (Role.RESOLUTION if is_remedy(node.title.text) else None)
    title = node.title.text
    if node.blocks or any(line.strip() for line in node.prose):
        yield Part(node, own or (Role.ACTIONS if node.blocks else Role.OVERVIEW), (title,))
    fallback = own if own in COLLECTION_ROLES or own in REMEDIES else None
    kids = node.children if book.whole else node.labels
    yield from _below(node, kids, fallback, (title,))


def _below(parent: Node, kids: list[Node], role: Role | None, path: tuple[str, ...]) -> Iterator[Part]:
    alternatives = role in REMEDIES and _are_alternatives(parent, kids)
    for number, kid in enumerate(kids, 1):
        here = (*path, kid.title.text)
        option = kid.title.number if kid.title.kind == "option" else number if alternatives else None
        own = Role.OPTION if option is not None else _role(kid, role)
        yield Part(kid, own, here, option)
        yield from _below(kid, kid.children, Role.RESOLUTION if own is Role.OPTION else own, here)


def _role(node: Node, above: Role | None) -> Role:
    """A part's role: a step's is that of what it is a step of; without words of its own, the one above."""
    if node.title.kind == "step" and node.role not in STEP_ROLES:
        return above if above and above is not Role.OVERVIEW else Role.ACTIONS
    if node.role:
        return node.role
    if is_remedy(node.title.text):
        return Role.RESOLUTION
    return above or (Role.ACTIONS if _runs(node) else Role.OVERVIEW)


def _are_alternatives(parent: Node, kids: list[Node]) -> bool:
    """Whether the parts of a remedy are ways to do the same: "Vercel:", "Railway:" under "Rollback Procedure"."""
    bare = all(k.role is None and not k.title.kind for k in kids)
    return len(kids) > 1 and not parent.blocks and bare and all(_runs(k) for k in kids)

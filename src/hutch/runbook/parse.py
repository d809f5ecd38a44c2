"""Markdown text -> :class:`Document`. Any CommonMark document is a runbook (DESIGN §3)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from hutch.model.alert import Rule
from hutch.model.runbook import Chapter, Document, Role, Runbook, Section
from hutch.runbook import yaml_text
from hutch.runbook.anchors import Slugger, slug
from hutch.runbook.annotations import language
from hutch.runbook.blocks import Mark, marks
from hutch.runbook.errors import RunbookError
from hutch.runbook.outline import LABEL, Node, outline
from hutch.runbook.rules import holds_rules, parse_rules
from hutch.runbook.steps import link_step, step
from hutch.runbook.structure import Book, Part, Plan, divide, parts
from hutch.runbook.words import Title
from hutch.runbook.yaml_text import YamlError

_FRONT_MATTER = re.compile(
    r"\A(?P<mark>---|\+\+\+)[ \t]*\n(?P<body>.{0,65536}?)^(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_LINE_END = re.compile(r"\r\n?")


def parse(text: str | bytes, source: str) -> Document:
    """The document of ``text``; ``source`` is its path or library name, for messages and where it has no title.

    Raises :class:`RunbookError` with line and source for what is not text, for malformed annotations, and for alert
    rules that cannot be read. Takes time linear in the text.
    """
    return parse_marked(text, source)[0]


def parse_marked(text: str | bytes, source: str) -> tuple[Document, Sequence[Mark]]:
    """As :func:`parse`, with the marks that the document was made from: finding them is half of the work."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        return _parse(_decode(raw), hashlib.sha256(raw).hexdigest(), source)
    except RunbookError as error:
        raise error.at(source=source) from None


def _decode(raw: bytes) -> str:
    if (nul := raw.find(b"\0")) >= 0:
        raise RunbookError(
            "not a text file: it holds a NUL byte; give a Markdown document", raw.count(b"\n", 0, nul) + 1
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RunbookError(f"not UTF-8: byte 0x{raw[error.start]:02x}; save the document as UTF-8", line) from None
    return _LINE_END.sub("\n", text)


def _parse(text: str, digest: str, source: str) -> tuple[Document, Sequence[Mark]]:
    body, meta = _front_matter(text)
    lines = body.split("\n")
    found = list(marks(body, lines))
    root = outline(found, lines)
    title = _title(root, meta, source)
    plan = divide(root)
    root.title = Title(title, title)
    headings = _name_headings(root)
    names = Slugger()
    anchors = _anchors(headings, plan)
    runbooks = tuple(_runbook(book, names, anchors) for book in plan.books)
    document = Document(
        title,
        digest,
        source,
        runbooks,
        tuple(_rules(found)),
        anchors,
        tuple(Chapter(node.anchor, node.title.text, node.line + 1) for node in plan.chapters),
        tuple(_section(Part(n, n.role or Role.OVERVIEW, (n.title.text,)), n.anchor, _nowhere) for n in plan.front),
        meta,
    )
    return document, found


def _front_matter(text: str) -> tuple[str, Mapping[str, object]]:
    """The text with its front matter blanked out (lines stay where they are), and what that says.

    Dashes around something that is no YAML mapping are Markdown's rules, not front matter.
    """
    found = _FRONT_MATTER.match(text)
    if not found:
        return text, {}
    try:
        meta = tomllib.loads(found["body"]) if found["mark"] == "+++" else yaml_text.load(found["body"])
    except (YamlError, tomllib.TOMLDecodeError, RecursionError):
        return text, {}
    if not isinstance(meta, dict):
        return text, {}
    return "\n" * found.group().count("\n") + text[found.end() :], {str(k): v for k, v in meta.items()}


def _title(root: Node, meta: Mapping[str, object], source: str) -> str:
    named = meta.get("title")
    first = next((h.title.text for h in root.headings if h.level == 1), "")
    return str(named) if named else first or PurePath(source).stem or "Runbook"


def _name_headings(root: Node) -> list[Node]:
    """Give every heading its anchor, in document order; the document as a whole comes last."""
    slugger = Slugger()
    headings = [node for node in root.walk() if 0 < node.level < LABEL]
    for node in (*headings, root):
        node.anchor = slugger.unique(slug(node.title.text) or "section")
    return headings


def _anchors(headings: Iterable[Node], plan: Plan) -> dict[str, str]:
    owners: dict[str, str] = {}
    for book in plan.books:
        within = book.node.walk() if book.whole else [book.node]
        owners.update((node.anchor, book.node.anchor) for node in within if node.anchor)
    front = {node.anchor for node in plan.front if node not in plan.chapters}
    return {h.anchor: owners.get(h.anchor) or ("" if h.anchor in front else _first(h, owners)) for h in headings}


def _first(chapter: Node, owners: Mapping[str, str]) -> str:
    """The first runbook below a chapter; a document's title leads nowhere."""
    below = (owners[node.anchor] for node in chapter.walk() if node.anchor in owners)
    return next(below, "") if chapter.level > 1 else ""


def _runbook(book: Book, names: Slugger, anchors: Mapping[str, str]) -> Runbook:
    node = book.node

    def leads_elsewhere(anchor: str) -> bool:
        return anchors.get(anchor, "") not in {"", node.anchor}

    sections = tuple(
        _section(part, names.unique("/".join((node.anchor, *map(slug, part.path[1:])))), leads_elsewhere)
        for part in parts(book)
    )
    return Runbook(node.anchor, node.title.text, node.line + 1, book.chapter.title.text, sections)


def _section(part: Part, ident: str, elsewhere: Callable[[str], bool]) -> Section:
    """``elsewhere`` tells the anchors of this document that lead to another runbook than the section's own."""
    node = part.node
    blocks = [step(mark, lead, ident, node.title.text, n) for n, (mark, lead) in enumerate(node.blocks, 1)]
    links = [one for n, mark in enumerate(node.links, 1) if (one := link_step(mark, ident, n, part.role, elsewhere))]
    return Section(
        ident,
        node.title.text,
        part.role,
        node.line + 1,
        part.path,
        part.option,
        _without_comments("\n".join(node.prose)).strip(),
        tuple(sorted((*blocks, *links), key=lambda one: one.line) if links else blocks),
    )


def _nowhere(_anchor: str) -> bool:
    """What stands in front only tells of the runbooks."""
    return False


def _without_comments(prose: str) -> str:
    """Prose without its HTML comments; one that never closes stays as it is."""
    kept, at = [], 0
    while (start := prose.find("<!--", at)) >= 0 and (end := prose.find("-->", start)) >= 0:
        kept.append(prose[at:start])
        at = end + len("-->")
    return "".join((*kept, prose[at:]))


def _rules(found: Iterable[Mark]) -> Iterator[Rule]:
    """The alert rules of every ``yaml`` block whose top is ``alerts:``."""
    for mark in found:
        if language(mark.info) == "yaml" and "hutch.action" not in mark.info and holds_rules(mark.text):
            yield from parse_rules(mark.text, mark.first + 1)

"""Rules about links: relative ones must lead to a file, anchors to a heading."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from urllib.parse import unquote

from hutch.runbook.anchors import slug
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

MOST_HINTS = 20
"""Dead anchors of a document for which a near one is sought, and a thousand headings among which."""

_INLINE = re.compile(r"\]\(\s*(?:<([^<>\n]{1,500})>|((?:[^\s()<>]|\([^\s()<>]{0,200}\)){1,500}))")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]^][^\]]{0,200}\]:\s*<?([^\s<>]{1,500})")
_HTML = re.compile(r"""<(?:a|img)\b[^<>]{0,300}?\b(?:href|src)\s*=\s*["']([^"'<>\s]{1,500})["']""", re.IGNORECASE)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`]+\1(?!`)")
_EDGE = re.compile(r"<!--|-->")
_OWN_ANCHOR = re.compile(r"""\{#([\w.:-]+)\s*\}|<[a-zA-Z][^<>]{0,200}?\b(?:id|name)\s*=\s*["']?([\w.:-]+)""")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/|\{\{|\{%|<%|\$")


def dead_link(page: Page) -> Iterator[Hit]:
    """A relative link to a file that does not exist."""
    for line, target in links(page):
        path = unquote(target.partition("#")[0].partition("?")[0])
        if path and page.surroundings.resolve(path) is None:
            yield Hit(line, f"dead link: there is no {path}, seen from this document; correct or remove it")


def dead_anchor(page: Page) -> Iterator[Hit]:
    """An anchor that no heading has, here or in the document that the link leads to."""
    own = anchors(page)
    hints = MOST_HINTS
    for line, target in links(page):
        path, sign, anchor = target.partition("#")
        place = page.surroundings.resolve(unquote(path.partition("?")[0])) if path else None
        known = place.anchors if place else own if not path else None
        name = unquote(anchor)
        if sign and name and known is not None and name not in known and name.lower() not in known:
            hint = _hint(name, known) if hints > 0 else ""
            hints -= 1
            where = path or "this document"
            yield Hit(line, f"dead anchor: no heading #{name} in {where}; {hint or 'correct or remove it'}")


def _hint(name: str, known: Collection[str]) -> str:
    near = get_close_matches(slug(name), known, n=1) if len(known) <= 1000 and len(name) <= 100 else []
    return f"did you mean #{near[0]}?" if near else ""


def links(page: Page) -> Iterator[tuple[int, str]]:
    """The relative targets of links and images outside of code and comments, with their lines."""
    for number, line in _uncommented(page):
        if "](" not in line and "]:" not in line and "=" not in line:
            continue
        plain = CODE_SPAN.sub("", line)
        targets = [a or b for a, b in _INLINE.findall(plain)] + _DEFINITION.findall(plain) + _HTML.findall(plain)
        yield from ((number, target) for target in targets if not _ELSEWHERE.match(target))


def _uncommented(page: Page) -> Iterator[tuple[int, str]]:
    """The prose without HTML comments; one that never closes hides nothing."""
    last = max((n for n, line in page.prose() if "-->" in line), default=0)
    inside = False
    for number, line in page.prose():
        kept, at = [], 0
        end = len(line) if number < last else line.rfind("-->")
        for edge in _EDGE.finditer(line):
            opens = edge[0] == "<!--"
            if opens != inside and (inside or edge.start() < end):
                kept += [line[at : edge.start()]] if opens else []
                inside, at = opens, edge.end()
        yield number, "".join(kept if inside else (*kept, line[at:]))


def anchors(page: Page) -> frozenset[str]:
    """What ``#…`` may name in a document: its headings, and ids that it sets itself."""
    own = (name for _, line in page.prose() for name in own_anchors(line))
    return frozenset((*page.document.anchors, *own, "top"))


def own_anchors(text: str) -> Iterator[str]:
    """The ids that a text sets by HTML or ``{#id}``."""
    return (name for pair in _OWN_ANCHOR.findall(text) for name in pair if name)

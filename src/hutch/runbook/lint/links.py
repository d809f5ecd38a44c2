"""Rules about links: relative ones must lead to a file, anchors to a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from urllib.parse import unquote

from hutch.runbook.anchors import slug
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

_INLINE = re.compile(r"\]\(\s*(?:<([^<>\n]{1,500})>|([^\s()<>]{1,500}))")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]^][^\]]{0,200}\]:\s*<?([^\s<>]{1,500})")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`]+\1(?!`)")
_OWN_ANCHOR = re.compile(r"""\{#([\w.:-]+)\s*\}|<[a-zA-Z][^<>]{0,200}?\b(?:id|name)\s*=\s*["']?([\w.:-]+)""")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/")


def dead_link(page: Page) -> Iterator[Hit]:
    """A relative link to a file that does not exist."""
    for line, target in links(page):
        path = unquote(target.partition("#")[0].partition("?")[0])
        if path and page.surroundings.resolve(path) is None:
            yield Hit(line, f"dead link: there is no {path}, seen from this document; correct or remove it")


def dead_anchor(page: Page) -> Iterator[Hit]:
    """An anchor that no heading has, here or in the document that the link leads to."""
    own = anchors(page)
    for line, target in links(page):
        path, sign, anchor = target.partition("#")
        place = page.surroundings.resolve(unquote(path.partition("?")[0])) if path else None
        known = place.anchors if place else own if not path else None
        name = unquote(anchor)
        if sign and name and known is not None and name not in known and name.lower() not in known:
            near = get_close_matches(slug(name), known, n=1)
            hint = f"did you mean #{near[0]}?" if near else "correct or remove it"
            yield Hit(line, f"dead anchor: no heading #{name} in {path or 'this document'}; {hint}")


def links(page: Page) -> Iterator[tuple[int, str]]:
    """The relative targets of links and images outside of code, with their lines."""
    for number, line in page.prose():
        if "](" not in line and "]:" not in line:
            continue
        plain = _CODE_SPAN.sub("", line)
        targets = [a or b for a, b in _INLINE.findall(plain)] + _DEFINITION.findall(plain)
        yield from ((number, target) for target in targets if not _ELSEWHERE.match(target))


def anchors(page: Page) -> frozenset[str]:
    """What ``#…`` may name in a document: its headings, and ids that it sets itself."""
    own = (name for _, line in page.prose() for pair in _OWN_ANCHOR.findall(line) for name in pair if name)
    return frozenset((*page.document.anchors, *own, "top"))

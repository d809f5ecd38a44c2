"""The page's Atom feed (RFC 4287): one entry a notice, with all that was told of it. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from xml.etree.ElementTree import Element, SubElement, tostring

from hutch.model.event import instant
from hutch.model.statuspage import Notice, Page
from hutch.web.present.statuspage.api import MOST, page_id

ATOM = "http://www.w3.org/2005/Atom"

_NOT_XML = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def clean(text: str) -> str:
    """Without the characters that no XML or HTML document may hold."""
    return _NOT_XML.sub("\ufffd", text)


def feed(page: Page) -> bytes:
    """``history.atom``."""
    root = Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _text(root, "id", f"urn:hutch:status:{page_id(page)}")
    _text(root, "title", f"{page.config.title}: status")
    _text(root, "updated", _stamp(page.changed))
    SubElement(SubElement(root, "author"), "name").text = clean(page.config.title)
    if page.config.address:
        SubElement(root, "link", {"rel": "alternate", "href": f"{page.config.address}/"})
        SubElement(root, "link", {"rel": "self", "href": f"{page.config.address}/history.atom"})
    for notice in page.notices[:MOST]:
        _entry(root, page, notice)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _entry(root: Element, page: Page, notice: Notice) -> None:
    entry = SubElement(root, "entry")
    _text(entry, "id", f"urn:hutch:status:{page_id(page)}:{notice.id}")
    _text(entry, "title", notice.name)
    _text(entry, "published", _stamp(notice.began))
    _text(entry, "updated", _stamp(notice.changed))
    if page.config.address:
        href = f"{page.config.address}/incidents/{notice.id}.html"
        SubElement(entry, "link", {"rel": "alternate", "href": href})
    told = "".join(
        f"<p><strong>{t.state.capitalize()}</strong> {t.at:%Y-%m-%d %H:%M} UTC<br>{_lines(t.body)}</p>"
        for t in reversed(notice.told)
    )
    content = SubElement(entry, "content", {"type": "html"})
    content.text = told


def _lines(text: str) -> str:
    return "<br>".join(escape(clean(text)).split("\n"))


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = clean(text)


def _stamp(at: datetime) -> str:
    return instant(at)

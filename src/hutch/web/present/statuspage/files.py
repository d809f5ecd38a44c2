"""Every file of the public page, made of one value: served live and kept for a web server."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jinja2 import Environment

from hutch.model.statuspage import Page
from hutch.web.present.statuspage.api import documents
from hutch.web.present.statuspage.feed import feed
from hutch.web.present.statuspage.html import pages

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8", ".json": "application/json", ".atom": "application/atom+xml",
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml",
}  # fmt: skip
"""What each kind of file is served as."""

OWN = ("status.css", "status.js", "icon.svg")
"""The files of the page that are always the same."""


def files(page: Page, templates: Environment, assets: Mapping[str, bytes], *, live: bool = False) -> dict[str, bytes]:
    """Path -> content. ``assets`` are the site's own files, by name; ``live``: with what only a server can offer."""
    found = {path: text.encode() for path, text in pages(page, templates, live).items()}
    found |= {path: json.dumps(made, ensure_ascii=False).encode() for path, made in documents(page).items()}
    return {**found, "history.atom": feed(page), **{name: assets[name] for name in OWN}}

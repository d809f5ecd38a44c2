"""The page's own files: read once, the many small ones joined to one of each sort, and served under a hash of all of
them, so that they can be kept for good. They go packed to whoever takes that.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from hutch.web.bundle import bundle

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"
STYLES = ("page.css", "chart.css", "breach.css")
"""What every page looks like: served as the first of them."""

ALONE = ("access.css", "icon.svg", "sprite.svg", "status.css", "status.js")
"""What is served as it is."""

SCRIPTS = ("page.js", "worker.js")
"""What a page starts: each is served with the modules that it needs."""


@cache
def files() -> dict[str, bytes]:
    """What is served, by name."""
    found = {p.name: p.read_bytes() for p in sorted(FOLDER.iterdir()) if p.suffix in KINDS}
    modules = {name: content.decode() for name, content in found.items() if name.endswith(".js")}
    alone = {name: found[name] for name in ALONE}
    joined = {STYLES[0]: b"".join(found[name] for name in STYLES)}
    return {**alone, **joined, **{name: bundle(name, modules).encode() for name in SCRIPTS}}


@cache
def version() -> str:
    """Changes whenever any of the files does."""
    digest = hashlib.sha256()
    for name, content in files().items():
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:12]


def url(name: str) -> str:
    """Where a file is served. Raises ``KeyError`` for one that is not there."""
    files()[name]
    return f"/static/{version()}/{name}"


@cache
def packed(name: str) -> bytes:
    """The file as gzip packs it; the same at every start."""
    return gzip.compress(files()[name], 9, mtime=0)


def serve(given: str, name: str, encodings: str = "") -> Response:
    """The file, packed if ``encodings`` (the request's ``Accept-Encoding``) says that it may be; under an outdated hash
    too, but then it is not to be kept."""
    content = files().get(name)
    if content is None:
        return PlainTextResponse("no such file\n", 404)
    keep = FOR_GOOD if given == version() else "no-store"
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if takes_gzip(encodings):
        content, headers["Content-Encoding"] = packed(name), "gzip"
    return Response(content, media_type=KINDS[Path(name).suffix], headers=headers)


def takes_gzip(encodings: str) -> bool:
    """Whether a client named it, and did not forbid it.

    >>> takes_gzip("br, gzip"), takes_gzip("gzip;q=0"), takes_gzip("")
    (True, False, False)
    """
    for part in encodings.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        if name == "gzip":
            return not weight or weight.strip("0.") != ""
    return False

"""The page's own files: read once, served under a hash of all of them, so that they can be kept for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def files() -> dict[str, bytes]:
    """Every file by name."""
    return {p.name: p.read_bytes() for p in sorted(FOLDER.iterdir()) if p.suffix in KINDS}


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


def serve(given: str, name: str) -> Response:
    """The file; under an outdated hash too, but then it is not to be kept."""
    content = files().get(name)
    if content is None:
        return PlainTextResponse("no such file\n", 404)
    keep = FOR_GOOD if given == version() else "no-store"
    return Response(content, media_type=KINDS[Path(name).suffix], headers={"Cache-Control": keep})

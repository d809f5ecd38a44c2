"""The public page, served: its files as they stand, for anybody, and nothing else."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fastapi import APIRouter, Request
from jinja2 import Environment
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from hutch.commands import statuspage
from hutch.commands.context import Context
from hutch.web import assets
from hutch.web.present.statuspage.files import TYPES, files
from hutch.web.site import environment

router = APIRouter(include_in_schema=False)

FRESH = 5.0
"""Seconds for which what was read from the log is shown again: a crowd that reloads costs nothing."""

READS = ["GET", "HEAD"]
"""What watches a page often asks for its head alone."""

OPEN = ("/api/v2/", "/history.atom")
"""What scripts of other sites may read."""


@dataclass(slots=True)
class Public:
    """The files of the page as they were read last. ``live``: visitors can subscribe and report."""

    context: Context
    templates: Environment = field(default_factory=environment)
    live: bool = False
    _made: dict[str, bytes] = field(default_factory=dict)
    _until: float = 0.0

    async def files(self) -> dict[str, bytes]:
        """Path -> content, not older than :data:`FRESH`."""
        if time.monotonic() >= self._until:
            self._made = await rendered(self.context, self.templates, live=self.live)
            self._until = time.monotonic() + FRESH
        return self._made


async def rendered(context: Context, templates: Environment, *, live: bool = False) -> dict[str, bytes]:
    """Every file of the page, now."""
    return files(await statuspage.current(context), templates, assets.files(), live=live)


@router.api_route("/", methods=READS, response_model=None)
async def front(request: Request) -> Response:
    """The page itself."""
    return await part(request, "index.html")


@router.api_route("/{path:path}", methods=READS, response_model=None)
async def part(request: Request, path: str) -> Response:
    """One of its files, by a name that is looked up and never joined to a folder."""
    public: Public = request.app.state.public
    content = (await public.files()).get(path)
    if content is None:
        return PlainTextResponse("There is no such page.\n", 404)
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=15"}
    if f"/{path}".startswith(OPEN):
        headers["Access-Control-Allow-Origin"] = "*"
    if tag in [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[PurePosixPath(path).suffix], headers=headers)


console = APIRouter(include_in_schema=False)


@console.get("/status", response_model=None)
async def preview(request: Request) -> Response:
    """The page as the public sees it, within the console. Raises ``CommandError`` where none is configured."""
    statuspage.config_of(request.app.state.context)
    return RedirectResponse("/status/index.html")


@console.get("/status/{path:path}", response_model=None)
async def previewed(request: Request, path: str) -> Response:
    """One of its files, within the console."""
    statuspage.config_of(request.app.state.context)
    return await part(request, path or "index.html")

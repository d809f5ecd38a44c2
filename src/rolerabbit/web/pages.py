"""What visitors see: the front page and the published portfolios."""

from __future__ import annotations

import re
from html import escape
from string import Template
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from rolerabbit import portfolios
from rolerabbit.portfolios import Portfolio
from rolerabbit.web.access import parts_of

router = APIRouter(tags=["pages"])

NAME: Final = re.compile(r"[a-z0-9-]{1,63}")
CSP: Final = "default-src 'none'"
_PAGE: Final = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title></head>
<body><h1>$title</h1>
$body
</body></html>
"""
)


@router.api_route("/", methods=["GET", "HEAD"])
async def front() -> HTMLResponse:
    """The front page; it needs nothing but the process."""
    return html("RoleRabbit", "<p>Portfolios, one subdomain each.</p>")


@router.api_route("/p/{subdomain}", methods=["GET", "HEAD"])
async def public_page(request: Request, subdomain: str) -> HTMLResponse:
    """A published portfolio; 404 for drafts, private and deleted ones alike."""
    parts = parts_of(request)

    async def made() -> bytes | None:
        async with parts.pool.connection() as connection:
            await parts.reads.before(connection)
            row = await portfolios.page(connection, subdomain)
        return page_text(row.title, _body(row)).encode() if row is not None else None

    cached = parts.reads.cached and NAME.fullmatch(subdomain)
    body = await parts.cache.through(f"page:{subdomain}", made) if cached else await made()
    if body is None:
        raise HTTPException(404, "there is no such page")
    return HTMLResponse(body, headers=headers_for(CSP))


def _body(row: Portfolio) -> str:
    paragraphs = (escape(part.strip()) for part in row.content.split("\n\n") if part.strip())
    return "\n".join(f"<p>{part}</p>" for part in paragraphs)


def html(title: str, body: str, status: int = 200, policy: str = CSP) -> HTMLResponse:
    """A whole page; `body` is HTML already, `title` is text."""
    return HTMLResponse(page_text(title, body), status, headers=headers_for(policy))


def page_text(title: str, body: str) -> str:
    """A whole page as text."""
    return _PAGE.substitute(title=escape(title), body=body)


def headers_for(policy: str) -> dict[str, str]:
    """What every page says to the browser."""
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}

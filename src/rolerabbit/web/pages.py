"""What visitors see: the front page and the published portfolios."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from rolerabbit import portfolios
from rolerabbit.portfolios import Portfolio
from rolerabbit.web.access import parts_of

router = APIRouter(tags=["pages"])

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
    async with parts.pool.connection() as connection:
        await parts.reads.before(connection)
        row = await portfolios.page(connection, subdomain)
    if row is None:
        raise HTTPException(404, "there is no such page")
    return html(row.title, _body(row))


def _body(row: Portfolio) -> str:
    paragraphs = (escape(part.strip()) for part in row.content.split("\n\n") if part.strip())
    return "\n".join(f"<p>{part}</p>" for part in paragraphs)


def html(title: str, body: str, status: int = 200, policy: str = CSP) -> HTMLResponse:
    """A whole page; `body` is HTML already, `title` is text."""
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(_PAGE.substitute(title=escape(title), body=body), status, headers=headers)

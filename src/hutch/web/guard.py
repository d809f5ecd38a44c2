"""What every request and every answer passes: who may ask, and what a page may do. Plain ASGI, so streams flow."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing inline, nothing from elsewhere, in no frame."""

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every answer, whatever it is."""

HSTS = {"Strict-Transport-Security": "max-age=31536000"}
"""Where the address is https: a browser never asks over http again."""

FORM_BYTES = 64 * 1024
"""The longest form that is read."""

JSON_BYTES = 1024 * 1024
"""The longest body of an operation of the API."""

PATIENCE, PACE = 30.0, 2000.0
"""A body comes within so many seconds, or by so many bytes a second: nobody holds a connection by sending nothing."""

SAFE = ("GET", "HEAD")

RAW, FILES = "application/octet-stream", re.compile(r"/api/v1/incidents/[^/]+/evidence")
"""How and where the body may be a file: of this type, as of JSON, no foreign page can send one unasked."""

INTAKE = ("/api/v1/ingest/", "/api/v1/pagerduty")
"""Where other tools send to."""

LINKS = "/a/"
"""Where the one-time links of messages lead."""


class Refused(Exception):
    """The request is not one that our own page sends; ``status`` is the answer's."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


class Guard:
    """Refuses changes that a foreign page could have sent, and puts :data:`HEADERS` on every answer.

    ``open_forms``: nobody is signed in, so that what another page sends is what its visitor could send. ``url`` is the
    address that people use beyond loopback.
    """

    def __init__(self, app: ASGIApp, *, open_forms: bool = False, url: str = "") -> None:
        self.app, self.open_forms, self.url = app, open_forms, url
        self.headers = {**HEADERS, **(HSTS if url.startswith("https://") else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = None if self.open_forms else refusal(scope, self.url)
        await (refused or self.app)(scope, counted(receive) if _json(scope) else receive, guarded)


def _json(scope: Scope) -> bool:
    """Whether the framework reads its body; what is taken in, and evidence, have bounds of their own."""
    path: str = scope["path"]
    return path.startswith("/api/") and not path.startswith(INTAKE) and not FILES.fullmatch(path)


def counted(receive: Receive) -> Receive:
    """The same, up to :data:`JSON_BYTES`."""
    had = 0

    async def some() -> Message:
        nonlocal had
        message = await receive()
        had += len(message.get("body", b""))
        if had > JSON_BYTES:
            raise HTTPException(413)  # which the framework hands on
        return message

    return some


def refusal(scope: Scope, url: str = "") -> Response | None:
    """The answer to a change that our own page or an API client does not send; None where it may go on."""
    if scope["method"] in SAFE:
        return None
    headers = Headers(scope=scope)
    if scope["path"].startswith(LINKS):
        return None  # who has the link has what it takes; a mail program may open it in whatever way
    if scope["path"].startswith(("/api/", "/v2/")):
        if "cookie" in headers and foreign(headers, url):
            return JSONResponse({"error": "this came from another site's page: nothing was done"}, 403)
        kind = headers.get("content-type", "")
        if kind.startswith("application/json") or (kind == RAW and FILES.fullmatch(scope["path"])):
            return None
        return JSONResponse({"error": "send the body as application/json"}, 415)
    if foreign(headers, url):
        return PlainTextResponse("This came from another site's page: nothing was done.\n", 403)
    return None


def foreign(headers: Headers, url: str = "") -> bool:
    """Whether a browser says that another page sent this.

    Under ``no-referrer`` a browser writes ``Origin: null`` on our own forms: then it must say ``same-origin`` itself.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin"):
        return True
    own = url or f"http://{headers.get('host', '')}"
    return origin not in (None, own) and not (origin == "null" and site == "same-origin")


class Token:
    """One secret of this process, or of a session: a form without it was not drawn by us, or not for them.

    Each page writes it otherwise, mixed with randomness of its own, so that the length of packed pages tells nothing of
    it, however often they are asked for.
    """

    def __init__(self, value: str = "") -> None:
        self._digest = hashlib.sha256((value or secrets.token_urlsafe(32)).encode()).digest()

    def written(self) -> str:
        """For the forms of one page."""
        noise = secrets.token_bytes(len(self._digest))
        return base64.urlsafe_b64encode(noise + _mixed(noise, self._digest)).decode()

    def check(self, given: str) -> None:
        """Raise :class:`Refused` unless it is ours; compared in constant time."""
        read, half = _read(given), len(self._digest)
        if not hmac.compare_digest(_mixed(read[:half], read[half:]), self._digest):
            raise Refused("Hutch was started again since this page was drawn, and nothing was done: look again")


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def _read(given: str) -> bytes:
    try:
        return base64.b64decode(given.encode(), altchars=b"-_", validate=True)
    except ValueError:
        return b""


async def bounded(request: Request, most: int, why: str) -> bytes:
    """The body. Raises :class:`Refused` as soon as it is known to be longer: no more of it is kept."""
    return b"".join([piece async for piece in pieces(request, most, why)])


async def pieces(request: Request, most: int, why: str) -> AsyncIterator[bytes]:
    """The body as it comes. Raises :class:`Refused` as soon as it is known to be longer, or comes too slowly."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        raise Refused(why, 413)
    begun, had, stream = asyncio.get_running_loop().time(), 0, request.stream()
    while True:
        try:
            async with asyncio.timeout_at(begun + PATIENCE + had / PACE):
                piece = await anext(stream, None)
        except TimeoutError:
            raise Refused("what was sent came too slowly, and nothing was done", 408) from None
        if piece is None:
            return
        had += len(piece)
        if had > most:
            raise Refused(why, 413)
        yield piece


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form. Raises :class:`Refused` for anything else, and for too much."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused("send the form URL-encoded", 415)
    body = await bounded(request, FORM_BYTES, f"more than {FORM_BYTES // 1024} kB in a form")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError as error:
        raise Refused("the form cannot be read", 400) from error
    return {name: value.replace("\r\n", "\n").strip() for name, value in fields}

"""Runs a document's ``http`` blocks: one request each, as it is written, to the address that it names."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.providers.http.curl import MAX_OUTPUT
from hutch.providers.http.fetch import Unanswered, fetch

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that a read may use."""

OURS = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
"""Headers that say where a message ends: the sender's, never a document's."""

_FIRST = re.compile(r"(?:([A-Za-z][A-Za-z-]*)[ \t]+)?(\S+)(?:[ \t]+HTTP/[0-9.]+)?[ \t]*", re.ASCII)
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\r\n]*)", re.ASCII)


class Unreadable(ValueError):
    """A block that is no request; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it stands in a block."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


def parse(text: str) -> Request:
    """The request of a block: method and address, headers, an empty line, the body. :class:`Unreadable` says why not.

    >>> parse("GET https://a.example/x\\n  ?y=1\\nX-A: b").url
    'https://a.example/x?y=1'
    """
    lines = text.strip("\n").splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith(("#", "//"))):
        lines.pop(0)
    head = lines.pop(0) if lines else ""
    while lines and re.match(r"[ \t]+[?&]", lines[0]):
        head += lines.pop(0).strip()
    found = _FIRST.fullmatch(head.strip())
    if found is None:
        raise Unreadable(f"{head[:80]!r} is no request: write METHOD ADDRESS")
    headers = _headers(lines)
    body = "\n".join(lines).strip("\n")
    if re.match(r"\s*[{\[]", body):
        headers.setdefault("Content-Type", "application/json")
    return Request((found[1] or "GET").upper(), _address(found[2]), headers, body)


def _headers(lines: list[str]) -> dict[str, str]:
    """Take the headers off ``lines``, and the empty line after them."""
    headers: dict[str, str] = {}
    while lines and lines[0].strip():
        found = _HEADER.fullmatch(lines.pop(0).strip())
        if found is None or found[1].lower() in OURS:
            raise Unreadable("a header is written as Name: value, and none says where the message ends")
        headers[found[1]] = found[2]
    return headers


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise Unreadable(f"{url[:80]!r} is no whole address: write https://host/path, without a user")
    return url


async def run(command: Command) -> Outcome:
    """Do the request of ``command.text`` once. A redirect is told and not followed; from 400 on it has failed."""
    started = time.monotonic()
    try:
        request = parse(command.text)
        if command.effect <= Effect.READ and (request.method not in SAFE or request.body):
            raise Unreadable(f"refused: {request.method} with a body or of its own kind is no read")
        answer = await fetch(
            request.url, method=request.method, headers=request.headers, timeout=command.timeout, max_body=MAX_OUTPUT,
            data=request.body.encode() or None,
        )  # fmt: skip
    except Unreadable as error:
        return Outcome(Result.FAILED, str(error))
    except Unanswered as error:
        changes = command.effect > Effect.READ and error.kind in {"timeout", "broken"}
        result = Result.UNKNOWN if changes else Result.FAILED
        took = time.monotonic() - started
        return Outcome(result, str(error), seconds=took, recoverable=not changes and error.kind != "tls")
    said = f"HTTP {answer.status} {answer.reason}".strip()
    cut = f"\n[cut after {MAX_OUTPUT} bytes]" if answer.truncated else ""
    output = f"HTTP/{answer.version} {answer.status} {answer.reason}".rstrip() + f"\n{answer.text}{cut}"
    return Outcome(
        Result.FAILED if answer.status >= 400 else Result.DONE, said, output, seconds=time.monotonic() - started
    )

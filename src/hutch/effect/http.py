"""What an HTTP request can do, by its method (RFC 9110: GET, HEAD, OPTIONS and TRACE are safe)."""

from __future__ import annotations

import re

from hutch.model.effect import Effect, Verdict, worst

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"})
_LINE = re.compile(r"(?:([A-Za-z][A-Za-z-]*)[ \t]+)?(\S+)(?:[ \t]+HTTP/[0-9.]+)?[ \t]*", re.ASCII)
_OVERRIDE = re.compile(r"x-(?:http-)?method(?:-override)?[ \t]*:[ \t]*(\S+)", re.I)


def classify_http(text: str) -> Verdict:
    """The effect of a request block: a method line, headers, a body; ``###`` stands between several."""
    blocks = [_lines(block) for block in re.split(r"(?m)^###.*$", text)]
    verdicts = [_request(block) for block in blocks if any(line.strip() for line in block)]
    return worst(verdicts).told()


def _lines(block: str) -> list[str]:
    lines = [line.rstrip() for line in block.strip().splitlines()]
    start = next((i for i, line in enumerate(lines) if line and not line.startswith(("#", "//", "@"))), len(lines))
    return lines[start:]


def _request(lines: list[str]) -> Verdict:
    match = _LINE.fullmatch(lines[0])
    if match is None:
        return Verdict(Effect.CHANGE, "not an HTTP request that can be read")
    end = next((i for i, line in enumerate(lines) if not line), len(lines))
    overrides = [m.group(1) for line in lines[1:end] if (m := _OVERRIDE.match(line))]
    has_body = any(line.strip() for line in lines[end + 1 :])
    return worst([_method(name, has_body) for name in [match.group(1) or "GET", *overrides]])


def _method(name: str, has_body: bool) -> Verdict:
    method = name.upper()
    if method == "DELETE":
        return Verdict(Effect.DESTROY, "DELETE removes what it names")
    if method not in _SAFE:
        return Verdict(Effect.CHANGE, f"{method} may change what it is sent to")
    if has_body and method != "QUERY":
        return Verdict(Effect.CHANGE, f"{method} with a body is not known to only read")
    return Verdict(Effect.READ, f"{method} only reads")

"""What must be seen: read from comments, and judged against output.

``# Should return PONG`` · ``-- Should be 0`` · ``# Expected: ok`` · ``# Output: 3 rows`` · ``hutch.expect``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SAYS = re.compile(
    r"^(?:(?:this|it|which|output|result)\s+)?(?:should|must)\s+(?:now\s+)?(?:return|be|show|print|output|say|contain|display|see|report)"
    r"\s*:?\s*(?P<should>.*)$"
    r"|^(?:expect(?:ed|s)?(?:\s+(?:output|result|response|value))?|(?:sample\s+|example\s+)?output|returns|result)\s*:\s*(?P<expected>.*)$"
    r"|^expects?\s+(?P<expect>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_HTTP_STATUS = re.compile(
    r"^(?:HTTP(?:/[\d.]+)?\s+)?(?:status\s+(?:code\s+)?)?(?P<code>[1-5]\d\d)(?:\s+[A-Za-z][A-Za-z ]{1,30})?$"
)
_STATUS_LINE = re.compile(r"^HTTP/[\d.]+\s+(\d{3})\b", re.MULTILINE)
_VAGUE = re.compile(
    r"\b(?:response|output|results?|list|lists|information|details|status|data|something|values?|rows|entries|numbers?"
    r"|successfully|empty|low|high|normal|near|around|about|less|more|than|all|no|not|none|similar|healthy|running)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LONGEST_LITERAL = 6
"""Words; a longer expectation describes what should be seen and does not quote it."""


def read_comment(text: str) -> str | None:
    """What a comment expects; empty if it only announces it (``Expected output:``), None if it expects nothing."""
    found = _SAYS.match(text.strip())
    if found is None:
        return None
    return next(group for group in found.groups() if group is not None).strip()


def met(expected: str, output: str, *, status: int | None = None) -> bool | None:
    """Whether ``output`` shows what is ``expected``; None where a machine cannot tell.

    ``status`` is an HTTP status if the caller knows it. JSON is met by a superset, quoted or short text by
    containment (case and white space do not count), "200 OK" by that status.
    """
    wanted = expected.strip().rstrip(".").strip()
    if not wanted:
        return None
    if found := _HTTP_STATUS.match(wanted):
        return _status_met(int(found["code"]), wanted, output, status)
    if wanted[0] in "{[":
        return _json_met(wanted, output)
    if quoted := _unquoted(wanted):
        return _fold(quoted) in _fold(output)
    if _NUMBER.fullmatch(wanted):
        return float(wanted) in [float(n) for n in _NUMBER.findall(output)]
    if len(wanted.split()) > _LONGEST_LITERAL or _VAGUE.search(wanted):
        return True if _fold(wanted) in _fold(output) else None
    return _fold(wanted) in _fold(output)


def _status_met(code: int, wanted: str, output: str, status: int | None) -> bool:
    seen = [status] if status is not None else [int(s) for s in _STATUS_LINE.findall(output)]
    if seen:
        return seen[-1] == code  # after redirects, the last answer counts
    return _fold(wanted) in _fold(output)


def _json_met(wanted: str, output: str) -> bool:
    try:
        pattern = json.loads(wanted)
    except (json.JSONDecodeError, RecursionError):
        return _fold(wanted) in _fold(output)
    return any(_covers(seen, pattern) for seen in _documents(output))


def _documents(output: str) -> Sequence[object]:
    """The JSON documents in ``output``: all of it, or else each line of it."""
    found = []
    for part in (output, *output.splitlines()):
        try:
            found.append(json.loads(part))
        except (json.JSONDecodeError, RecursionError):
            continue
    return found


def _covers(seen: object, pattern: object) -> bool:
    if isinstance(pattern, dict):
        return isinstance(seen, dict) and all(k in seen and _covers(seen[k], v) for k, v in pattern.items())
    if isinstance(pattern, list):
        return isinstance(seen, list) and len(seen) >= len(pattern) and all(map(_covers, seen, pattern))
    return type(seen) is type(pattern) and seen == pattern


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`" else ""


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()

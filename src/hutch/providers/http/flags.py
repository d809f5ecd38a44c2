"""The part of curl's command line that the stand-in knows. Pure. What it does not know is refused, never ignored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SWITCHES = {
    "I": "head", "head": "head",
    "i": "include", "include": "include",
    "s": "silent", "silent": "silent",
    "S": "show_error", "show-error": "show_error",
    "f": "fail", "fail": "fail",
    "L": "location", "location": "location",
}  # fmt: skip
VALUED = {
    "o": "output", "output": "output",
    "w": "write_out", "write-out": "write_out",
    "H": "header", "header": "header",
    "X": "method", "request": "method",
    "m": "max_time", "max-time": "max_time",
    "url": "url",
}  # fmt: skip


class Usage(Exception):
    """A flag or value that the stand-in does not know; the message names it."""


@dataclass(slots=True)
class Request:
    """One parsed command line."""

    url: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    head: bool = False
    include: bool = False
    fail: bool = False
    location: bool = False
    discard: bool = False
    write_out: str = ""
    max_time: float | None = None


def parse(argv: Sequence[str]) -> Request:
    """The request of a curl command line (its first word is the program). Raises :class:`Usage`."""
    request, words = Request(), list(argv[1:])
    while words:
        word = words.pop(0)
        if word.startswith("--") and len(word) > 2:
            _option(request, word, word[2:], words)
        elif word.startswith("-") and len(word) > 1:
            _cluster(request, word[1:], words)
        else:
            _set(request, "url", word)
    if not request.url:
        raise Usage("this curl stand-in needs an address")
    return request


def _option(request: Request, word: str, name: str, words: list[str]) -> None:
    if name in SWITCHES:
        _switch(request, SWITCHES[name])
    elif name in VALUED and words:
        _set(request, VALUED[name], words.pop(0))
    else:
        raise Usage(_unknown(word, name in VALUED))


def _cluster(request: Request, letters: str, words: list[str]) -> None:
    """``-sSf``, ``-o/dev/null``: letters until one that takes the rest, or the next word, as its value."""
    for index, letter in enumerate(letters):
        rest = letters[index + 1 :]
        if letter in SWITCHES:
            _switch(request, SWITCHES[letter])
        elif letter in VALUED and (rest or words):
            _set(request, VALUED[letter], rest or words.pop(0))
            return
        else:
            raise Usage(_unknown(f"-{letter}", letter in VALUED))


def _unknown(flag: str, lacks_value: bool) -> str:
    return f"curl: {flag} needs a value" if lacks_value else f"this curl stand-in does not know {flag}"


def _switch(request: Request, name: str) -> None:
    if name == "head":
        request.head, request.method = True, "HEAD"
    elif name in {"include", "fail", "location"}:
        setattr(request, name, True)


def _set(request: Request, name: str, value: str) -> None:
    match name:
        case "url":
            _set_url(request, value)
        case "method":
            _set_method(request, value)
        case "header":
            _set_header(request, value)
        case "output":
            _set_output(request, value)
        case "max_time":
            _set_max_time(request, value)
        case _:
            request.write_out = value


def _set_url(request: Request, value: str) -> None:
    url = value if "://" in value else f"http://{value}"
    if request.url:
        raise Usage(f"this curl stand-in takes one address, not also {value}")
    if any(mark in urlsplit(url).path + urlsplit(url).query for mark in "[]{}"):
        raise Usage(f"this curl stand-in does not know ranges in an address: {value}")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise Usage(f"this curl stand-in speaks http and https only, not {value}")
    request.url = url


def _set_method(request: Request, value: str) -> None:
    if value not in {"GET", "HEAD"}:
        raise Usage(f"this curl stand-in does not know -X {value}: it only reads, with GET and HEAD")
    request.method = value


def _set_header(request: Request, value: str) -> None:
    name, colon, content = value.partition(":")
    if not colon or not name.strip() or "\n" in value or "\r" in value:
        raise Usage(f"this curl stand-in does not know the header {name!r}: write -H 'Name: value'")
    request.headers[name.strip()] = content.strip()


def _set_output(request: Request, value: str) -> None:
    if value not in {"/dev/null", "-"}:
        raise Usage(f"this curl stand-in does not know -o {value}: it writes no file but /dev/null")
    request.discard = value == "/dev/null"


def _set_max_time(request: Request, value: str) -> None:
    if not re.fullmatch(r"\d+(\.\d+)?", value) or not float(value):
        raise Usage(f"curl: -m needs a number of seconds above 0, not {value}")
    request.max_time = float(value)

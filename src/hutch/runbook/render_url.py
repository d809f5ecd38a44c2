"""Values into the words of curl and its like: encoded where an address or a form stands, or refused.

A word's quoting keeps a value within its word; within the word, ``&``, ``#`` or ``..`` would still make more of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

PROGRAMS = frozenset({"curl", "wget", "http", "https"})
"""Programs whose words are addresses, headers and forms."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ADDRESS = re.compile(
    r"""["']?(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*|(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d+)?|localhost(?::\d+)?
    |(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|\[[A-Za-z][^\[\]\n]*\]|<[^<>\n]+>|\{\{[^{}\n]*\}\}|\$\{?\w+\}?)["']?(?P<rest>[/?#].*)""",
    re.VERBOSE | re.DOTALL,
)
_FORM = frozenset({"-d", "--data", "--data-ascii", "--data-binary", "--data-raw"})
_PARTS = frozenset({"-F", "--form"})
_COOKIES = frozenset({"-b", "--cookie"})
_VALUED = frozenset(
    {*_FORM, *_PARTS, *_COOKIES, "--data-urlencode", "-H", "--header", "-A", "--user-agent", "-e", "--referer", "-u",
     "--user", "-o", "--output", "-T", "--upload-file", "-w", "--write-out", "-K", "--config", "-E", "--cert", "-O"}
)  # fmt: skip
"""Options of curl whose next word is no address."""

_ATTACHED = re.compile(r"""["']?(-[dFbH]|--(?:post|body)-data=|--header=)["']?(?!$)""")
_SHORT = {"--post-data=": "-d", "--body-data=": "-d", "--header=": "-H"}

_TYPED = re.compile(r"content-type\s*:\s*(?!application/x-www-form-urlencoded)", re.IGNORECASE)


def refusal(named: str, value: str, option: str, before: str) -> str:
    """Why a value can't stand in a word of such a program; ``option`` is the word before, ``before`` its own text."""
    option, before = _joined(option, before)
    if _CONTROL.search(value) and option not in _FORM:
        return f"the value of {named} holds a line break or control character; give it without"
    if option in _PARTS and re.search(r'[;"\\,]|^[@<]', value):
        return f"{named} stands in a part of a form; give a value without quotes, semicolons, commas, @ and <"
    if option in _COOKIES and re.search(r"[;,\s]", value):
        return f"{named} stands in a cookie; give a value without semicolons, commas and spaces"
    if _in_path(option, before) and not value.strip("."):
        return f"the value of {named} is dots, which lead elsewhere in a path; give another"
    return ""


def encoded(value: str, option: str, before: str, words: Sequence[str]) -> str:
    """``value`` as it stands in the word: percent-encoded in an address' path and query, and in a form."""
    option, before = _joined(option, before)
    if _address(option, before) is not None:
        return quote(value, safe="", errors="replace")
    if option in _FORM and re.match(r"""["']?[\w.\[\]-]+=""", before) and not any(_TYPED.match(w) for w in words):
        return quote_plus(value, errors="replace")
    return value


def _joined(option: str, before: str) -> tuple[str, str]:
    """An option that stands in the word itself: ``-dname=``, and wget's ``--post-data=name=``."""
    found = _ATTACHED.match(before)
    return (_SHORT.get(found[1], found[1]), before[found.end() :]) if found else (option, before)


def _address(option: str, before: str) -> str | None:
    """What stands after the host of an address, up to the place; None where the place is not there."""
    found = None if option in _VALUED else _ADDRESS.match(before)
    return found["rest"] if found else None


def _in_path(option: str, before: str) -> bool:
    rest = _address(option, before)
    return rest is not None and "?" not in rest and "#" not in rest

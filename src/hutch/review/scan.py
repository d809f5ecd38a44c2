"""Looks through a text before it leaves: secrets, personal data, names of our inside. Pure and linear in its length.

It is a net with holes, and the last look is a person's; but what it finds does not leave by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from hutch.model.message import Audience

LONGEST = 100_000
"""Characters that are looked through; a longer text is refused as it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands where (from 1), shown so that it can be found and not be read off."""

    kind: str
    line: int
    column: int
    shown: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.kind} ({self.shown})"


SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a masked secret", re.compile("•••")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
    ("a password", re.compile(r"(?i)\b(?:password|passwd|secret|token|api[_-]?key)\s{0,4}[=:]\s{0,4}[^\s,;]{4,200}")),
    ("an address with a password", re.compile(r"://[^\s:/@]{1,100}:[^\s@]{1,200}@")),
    (
        "a token",
        re.compile(r"\b(?:eyJ[\w-]{8,}|AKIA[0-9A-Z]{16}|gh[pos]_\w{10,}|xox[abps]-[\w-]{10,}|sk[-_][\w-]{12,})"),
    ),
    ("a token", re.compile(r"\b(?=[A-Za-z_-]{0,39}\d)(?=[0-9_-]{0,39}[A-Za-z])[A-Za-z0-9_-]{32,}")),
)
"""What no text may hold."""

PERSONAL: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a mail address", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")),
    ("an identifier", re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")),
    ("a telephone number", re.compile(r"(?<!\w)\+\d[\d ()/.-]{7,20}\d\b")),
    (
        "a name of our inside",
        re.compile(r"\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.(?:internal|local|lan|corp|intranet|svc)\b"),
    ),
    ("a file or folder", re.compile(r"(?<![\w/:.])/(?:etc|var|home|root|usr|opt|srv|tmp)/[\w./-]{1,200}")),
    (
        "a statement",
        re.compile(
            r"(?i)\b(?:select\s[^.\n]{1,200}\sfrom|insert\s+into|delete\s+from|alter\s+table|drop\s+table)\s+\w"
        ),
    ),
)
"""What texts for people outside the team may not hold."""

ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])")


def scan(text: str, audience: Audience, words: Iterable[str] = ()) -> list[Found]:
    """What must not leave for that audience, in the order of the text. ``words`` are names that stay inside."""
    if len(text) > LONGEST:
        return [Found("too long to be looked through", 1, 1, f"{len(text)} characters")]
    found = list(_all(text, SECRETS))
    if audience is not Audience.RESPONDERS:
        found = [*_all(text, PERSONAL), *found, *_addresses(text), *_names(text, words)]
    spots = {(f.line, f.column): f for f in reversed(found)}
    return [spots[spot] for spot in sorted(spots)]


def _all(text: str, patterns: Iterable[tuple[str, re.Pattern[str]]]) -> Iterator[Found]:
    for kind, pattern in patterns:
        yield from (_found(text, kind, m) for m in pattern.finditer(text))


def _addresses(text: str) -> Iterator[Found]:
    for match in ADDRESS.finditer(text):
        try:
            ip_address(match.group())
        except ValueError:
            continue
        if match.group() != "::":
            yield _found(text, "an IP address", match)


def _names(text: str, words: Iterable[str]) -> Iterator[Found]:
    for word in sorted({w.strip() for w in words if len(w.strip()) > 2}):
        for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
            yield _found(text, "a word that stays inside", match)


def _found(text: str, kind: str, match: re.Match[str]) -> Found:
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
    value = match.group()
    shown = value if kind.startswith("a word") else value[:2] + "…" + (value[-2:] if len(value) > 8 else "")
    return Found(kind, line, column, shown)
